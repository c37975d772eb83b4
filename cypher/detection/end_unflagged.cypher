// Findings among some that are about no account of the graph.
//
// Access: write
// Parameters:
//   $finding_ids  list  which
// Returns: nothing
// Browser: :params {finding_ids: []}
UNWIND $finding_ids AS finding_id
MATCH (finding:Finding {id: finding_id})
WHERE NOT EXISTS { (finding)<-[:FLAGGED_BY]-() }
DELETE finding;
