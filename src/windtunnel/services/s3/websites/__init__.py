"""Buckets as browsers see them: websites, and pages of other origins."""
