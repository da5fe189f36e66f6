"""What is asked of the region: calls drawn from a seed, legal ones and others, a file for each service."""
