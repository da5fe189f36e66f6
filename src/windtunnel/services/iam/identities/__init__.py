"""Users, groups and roles, and what carries a role: instance profiles, and services."""
