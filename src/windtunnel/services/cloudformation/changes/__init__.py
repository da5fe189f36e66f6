"""Change sets: what an update would do, said beforehand."""
