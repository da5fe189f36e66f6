"""What is behind a key: material that is made, rotated, imported, and shared with the key's replicas."""
