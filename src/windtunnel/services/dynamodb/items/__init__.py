"""Items: written, read, asked for by key, in batches, in transactions and in PartiQL."""
