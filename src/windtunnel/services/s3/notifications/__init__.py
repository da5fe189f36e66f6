"""What a bucket tells, and whom."""
