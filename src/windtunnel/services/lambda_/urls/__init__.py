"""Functions as web pages see them: their own URLs."""
