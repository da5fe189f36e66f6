"""Text messages: their settings, who wants none, and the sandbox."""
