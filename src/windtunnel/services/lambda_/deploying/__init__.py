"""How templates deploy functions and what belongs to them."""
