"""Groups of commands, one file a group."""
