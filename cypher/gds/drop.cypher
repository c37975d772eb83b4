// Graphs that a statement which failed left in the memory of Graph Data Science.
//
// Access: read
// Parameters:
//   $owner  string  what their names start with
// Returns: name
// Browser: :params {owner: "ringtrace-"}
CALL gds.graph.list() YIELD graphName
WITH graphName WHERE graphName STARTS WITH $owner
CALL gds.graph.drop(graphName, false) YIELD graphName AS name
RETURN name;
