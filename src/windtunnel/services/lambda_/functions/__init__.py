"""Functions: made, configured, published as versions, named by aliases."""
