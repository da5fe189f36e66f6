"""The examples of `make fuzz`: many, and other ones each time."""

from hypothesis import settings

settings.register_profile("long", max_examples=20_000, deadline=None, print_blob=True)
