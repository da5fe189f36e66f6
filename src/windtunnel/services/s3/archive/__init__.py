"""What lies in archives, how it gets there by itself, and how it is restored."""
