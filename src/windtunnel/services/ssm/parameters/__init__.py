"""Parameter Store: parameters in versions, in hierarchies, under policies of time."""
