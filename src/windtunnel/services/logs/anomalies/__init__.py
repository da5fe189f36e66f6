"""Anomaly detectors: they learn what a group's events look like, and tell of those that look like none of them."""
