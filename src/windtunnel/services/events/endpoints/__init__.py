"""Global endpoints: a bus of one name in two regions."""
