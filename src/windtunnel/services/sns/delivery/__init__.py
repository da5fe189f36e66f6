"""Delivery: what each subscriber gets, how it is signed, when it is tried again, and the logs of it."""
