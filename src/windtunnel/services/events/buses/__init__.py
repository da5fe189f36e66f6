"""Event buses, and who may put events on them."""
