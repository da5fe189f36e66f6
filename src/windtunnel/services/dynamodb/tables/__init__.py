"""Tables: created, described, changed and deleted."""
