"""The commands, a module each: `add` says what may be typed, `run` does it and returns the exit status."""
