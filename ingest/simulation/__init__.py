"""Believable traffic of account events with planted rings, one file a question."""
