"""Publishing: what is checked of a message, and what order it gets."""
