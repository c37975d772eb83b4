// Communities of some links by Leiden: those of greatest modularity.
//
// The links come as parameters and become a graph in the memory of Graph Data Science for as long
// as the statement takes; nothing is read from the database or written to it. One thread, so that
// the same links in the same order always give the same.
//
// Access: read
// Parameters:
//   $owner   string  what the graph's name starts with
//   $source  list    one end of each link, an integer
//   $target  list    the other end
//   $weight  list    how strong each link is
//   $seed    int     decides all chance
// Returns: nodes, communities
// Browser: :params {owner: "ringtrace-", source: [0, 1], target: [1, 2], weight: [1.0, 0.5], seed: 1}
WITH $owner + randomUUID() AS name
CALL (name) {
  UNWIND range(0, size($source) - 1) AS n
  RETURN gds.graph.project(name, $source[n], $target[n],
                           {relationshipProperties: {weight: $weight[n]}},
                           {undirectedRelationshipTypes: ['*'], readConcurrency: 1}) AS graph
}
CALL (graph) {
  CALL gds.leiden.stream(graph.graphName, {
    relationshipWeightProperty: 'weight', concurrency: 1, randomSeed: $seed
  }) YIELD nodeId, communityId
  RETURN collect(nodeId) AS nodes, collect(communityId) AS communities
}
CALL gds.graph.drop(name, false) YIELD graphName
RETURN nodes, communities;
