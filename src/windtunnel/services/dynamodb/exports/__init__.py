"""Tables written to buckets, and made of what lies in buckets."""
