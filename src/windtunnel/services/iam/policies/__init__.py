"""Policies, inline and managed, whom they are attached to, and what they would say."""
