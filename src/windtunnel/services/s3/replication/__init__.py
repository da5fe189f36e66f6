"""Copies of what comes into a bucket in other buckets, regions and accounts."""
