// Which nodes of some links hang together.
//
// The links come as parameters and become a graph in the memory of Graph Data Science for as long
// as the statement takes; nothing is read from the database or written to it.
//
// Access: read
// Parameters:
//   $owner   string  what the graph's name starts with
//   $source  list    one end of each link, an integer
//   $target  list    the other end
// Returns: nodes, components
// Browser: :params {owner: "ringtrace-", source: [0, 1, 3], target: [1, 2, 4]}
WITH $owner + randomUUID() AS name
CALL (name) {
  UNWIND range(0, size($source) - 1) AS n
  RETURN gds.graph.project(name, $source[n], $target[n], {},
                           {undirectedRelationshipTypes: ['*'], readConcurrency: 1}) AS graph
}
CALL (graph) {
  CALL gds.wcc.stream(graph.graphName, {concurrency: 1}) YIELD nodeId, componentId
  RETURN collect(nodeId) AS nodes, collect(componentId) AS components
}
CALL gds.graph.drop(name, false) YIELD graphName
RETURN nodes, components;
