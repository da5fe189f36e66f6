"""The network plane: what leaves the region over the machine's own network."""
