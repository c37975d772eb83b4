// The ring that took one over in the end, through all mergers; null for one that nobody took over.
//
// Access: read
// Parameters:
//   $ring_id  string  the ring
// Returns: heir
// Browser: :params {ring_id: ""}
MATCH (ring:Ring {id: $ring_id})
RETURN head([(ring)-[:MERGED_INTO*]->(heir:Ring) WHERE NOT (heir)-[:MERGED_INTO]->() | heir.id])
       AS heir;
