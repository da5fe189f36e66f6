"""Log transformers: events as documents, made of messages as they come in."""
