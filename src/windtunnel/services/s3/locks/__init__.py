"""What keeps objects from going: Object Lock, and second factors for deletions."""
