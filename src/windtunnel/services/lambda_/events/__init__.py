"""Asynchronous events, and who is told what became of them."""
