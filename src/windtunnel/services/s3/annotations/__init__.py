"""Annotations: named texts of their own that objects carry."""
