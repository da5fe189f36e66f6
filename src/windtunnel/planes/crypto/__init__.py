"""The crypto plane: keys that are really made, and what is really done with them."""
