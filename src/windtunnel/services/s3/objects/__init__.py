"""Objects: written, read, copied, deleted, with their digests, metadata and keys."""
