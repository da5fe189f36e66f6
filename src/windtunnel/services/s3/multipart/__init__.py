"""Objects that come in parts."""
