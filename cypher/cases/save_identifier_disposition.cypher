// What somebody concluded about an identifier; those before it stay.
//
// Access: write
// Parameters:
//   $key          string  identifier key
//   $disposition  map     {id, at, disposition, reason, excluded_account_ids}
// Returns: nothing
// Browser: :params {key: "", disposition: {id: "x"}}
MATCH (identifier:Identifier {key: $key})
CREATE (disposition:Disposition)-[:ABOUT]->(identifier)
SET disposition = $disposition;
