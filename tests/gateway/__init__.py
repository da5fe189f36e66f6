"""The gateway, driven over raw sockets: what it answers byte by byte, and when."""
