// Which identifiers are hubs, and how long at least; null for one that is no hub any more.
//
// Access: write
// Parameters:
//   $rows  list  {key, hub_until}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (identifier:Identifier {key: row.key})
SET identifier.hub_until = row.hub_until;
