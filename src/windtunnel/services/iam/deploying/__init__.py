"""How templates deploy what an account's IAM has."""
