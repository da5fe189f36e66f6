"""Filters of groups: which events become metrics, and which go to subscribers."""
