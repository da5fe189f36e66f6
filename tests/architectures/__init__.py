"""Whole architectures over real HTTP."""
