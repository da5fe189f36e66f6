"""Unmodified clients against a region that serves."""
