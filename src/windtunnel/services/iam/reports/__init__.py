"""What an account looks like as a whole: its details, its credentials, and who reached what."""
