"""The planes, tried on this machine: files, processes."""
