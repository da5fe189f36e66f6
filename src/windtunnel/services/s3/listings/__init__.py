"""Listings of objects, versions, uploads and parts: pages, prefixes, delimiters."""
