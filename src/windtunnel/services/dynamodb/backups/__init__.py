"""Copies of tables, of a moment or of any within the last weeks, and tables made of them."""
