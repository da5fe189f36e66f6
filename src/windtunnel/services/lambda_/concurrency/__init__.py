"""How often a function may run at a time, and what is kept ready for it."""
