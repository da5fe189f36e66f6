"""Grants: what somebody may do with a key for as long as it is needed."""
