"""The HTTP routes, one file a user task."""
