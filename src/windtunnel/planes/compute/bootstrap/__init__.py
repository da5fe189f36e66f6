"""Programs that run beside or inside a sandbox, never in the region's process: each file stands alone and reads its own clock."""
