// What somebody concluded about a ring; those before it stay.
//
// Access: write
// Parameters:
//   $ring_id      string  the ring
//   $disposition  map     {id, at, disposition, reason, excluded_account_ids}
// Returns: nothing
// Browser: :params {ring_id: "", disposition: {id: "x"}}
MATCH (ring:Ring {id: $ring_id})
CREATE (disposition:Disposition)-[:ABOUT]->(ring)
SET disposition = $disposition;
