"""Keys as such: made, seen, switched off and on, deleted; their policies, tags and other names."""
