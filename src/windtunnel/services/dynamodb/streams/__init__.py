"""Streams: what happened to a table's items, for a day. DynamoDB Streams is an API of its own over it."""
