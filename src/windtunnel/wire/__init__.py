"""Bytes to requests and results to bytes: AWS's protocols, derived from botocore's models."""
