// What somebody concluded about a ring; those before it stay.
//
// Access: write
// Parameters:
//   $ring_id      string  the ring
//   $disposition  map     {id, number, at, disposition, reason, account_ids, excluded_account_ids,
//                         reason_codes, risk_level, alert_count, in_experiment}
// Returns: nothing
// Browser: :params {ring_id: "", disposition: {id: "x"}}
MATCH (ring:Ring {id: $ring_id})
CREATE (disposition:Disposition)-[:ABOUT]->(ring)
SET disposition = $disposition;
