"""API destinations: endpoints outside that rules call over HTTP, and the connections that authorise the calls."""
