"""Stack operations: what has to be done, in which order, by which steps, and what happens where a step fails."""
