"""Archives of what came to a bus, and replays of them."""
