"""Where the region touches the machine: files, processes, networks, keys."""
