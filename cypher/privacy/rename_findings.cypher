// Findings with the new keys of their identifiers.
//
// Access: write
// Parameters:
//   $rows  list  {id, new_id, identifier_key, detail}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (finding:Finding {id: row.id})
SET finding.id = row.new_id, finding.identifier_key = row.identifier_key,
    finding.detail = row.detail;
