"""AWS's services, one folder each; they don't know each other."""
