"""The world around the region: a machine whose time is ours, a disk that fills up and dies, subscribers and functions that fail."""
