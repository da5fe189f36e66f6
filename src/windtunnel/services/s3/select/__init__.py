"""SQL over the records of one object."""
