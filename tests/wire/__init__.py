"""A package, so that the tests of the wire can share their samples and their peer."""
