"""Who may: access control lists, bucket policies, and the block of public access."""
