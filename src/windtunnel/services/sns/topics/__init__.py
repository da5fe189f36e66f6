"""Topics: made, listed and deleted, with their attributes, permissions and tags."""
