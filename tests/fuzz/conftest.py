"""A round of `make fuzz`: many examples, other ones each time. What a test has tried it keeps in memory, so rounds are not too long."""

from hypothesis import settings

settings.register_profile("long", max_examples=2_000, deadline=None, print_blob=True)
