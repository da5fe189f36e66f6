"""Fields of events: which ones a group's events have, and which are indexed."""
