"""What a person holds: the command line, the region as a whole, the pytest plugin."""
