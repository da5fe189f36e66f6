"""Durable functions: executions that outlast their invocations, since what they have done so far is kept as operations."""
