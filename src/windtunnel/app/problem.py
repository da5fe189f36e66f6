"""What stops a command, in a sentence for the person who typed it."""


class Problem(Exception):
    """Its text is all that is shown; the exit status is 1."""
