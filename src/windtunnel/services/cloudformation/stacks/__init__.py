"""Stacks as clients see them: made, changed, deleted and described."""
