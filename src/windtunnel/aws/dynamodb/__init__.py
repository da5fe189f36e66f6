"""DynamoDB's values and its expressions, as pure functions: what an item may hold, how it sorts, and what is asked of it."""
