"""What S3 itself writes into buckets: access logs and inventories."""
