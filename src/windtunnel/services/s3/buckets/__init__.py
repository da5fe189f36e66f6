"""Buckets, and the settings and configurations that each carries."""
