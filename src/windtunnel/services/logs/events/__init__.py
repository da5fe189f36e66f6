"""Events put, kept, read and watched."""
