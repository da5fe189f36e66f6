"""windtunnel: an AWS region on one machine."""
