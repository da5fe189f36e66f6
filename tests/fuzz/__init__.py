"""Bytes and words that nobody would send: whatever comes in ends in a fault that is declared, never in a bug."""
