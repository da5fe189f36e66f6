"""Subscriptions: made, confirmed, changed and ended, with their attributes."""
