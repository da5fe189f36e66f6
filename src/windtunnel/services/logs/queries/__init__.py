"""Queries of Logs Insights: run, scheduled and kept, with the tables they look into."""
