"""Archives of FIFO topics, and replays from them."""
