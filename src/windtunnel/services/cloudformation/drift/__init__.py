"""Drift: how resources differ from what their templates said."""
