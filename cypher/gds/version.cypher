// The version of the Graph Data Science plugin.
//
// Access: read
// Returns: version
RETURN gds.version() AS version;
