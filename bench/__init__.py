"""The benchmarks: windtunnel beside its peers, the same bytes to each, in turns."""
