// Findings about an identifier, in order of id, a page at a time.
//
// Access: read
// Parameters:
//   $after  string  last id of the page before
//   $limit  int     most findings
// Returns: id, identifier_key, detail
// Browser: :params {after: "", limit: 25}
MATCH (finding:Finding)
WHERE finding.id > $after AND finding.identifier_key CONTAINS ':'
RETURN finding.id AS id, finding.identifier_key AS identifier_key, finding.detail AS detail
ORDER BY id
LIMIT $limit;
