"""What must hold, as naive models of what each service promises. They know AWS's documentation, and nothing of the services' code."""
