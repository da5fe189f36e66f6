"""Queues that are polled for functions."""
