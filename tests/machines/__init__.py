"""State machines against naive models."""
