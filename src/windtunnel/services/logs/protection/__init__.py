"""Data protection: what is sensitive in messages is found and hidden."""
