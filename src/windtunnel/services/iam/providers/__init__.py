"""Identity providers outside of AWS, and AWS as one for others."""
