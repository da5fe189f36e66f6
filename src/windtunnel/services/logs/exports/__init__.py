"""Export tasks: a group's events as files in a bucket."""
