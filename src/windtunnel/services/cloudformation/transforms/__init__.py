"""Transforms: what makes a template of a template before it is deployed, in AWS's own ways or by somebody's function."""
