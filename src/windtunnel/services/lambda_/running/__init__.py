"""One run of a function: in a sandbox, with its keys, its log and its answer."""
