// Identifiers with their seals in order of key, a page at a time.
//
// Two bounds and no STARTS WITH: with one the planner reads the index on to its end.
//
// Access: read
// Parameters:
//   $after  string  last key of the page before, or what the keys begin with
//   $end    string  first key that is not wanted
//   $limit  int     most identifiers
// Returns: key, sealed
// Browser: :params {after: "email:t1.", end: "email:t1/", limit: 25}
MATCH (identifier:Identifier)
WHERE identifier.key > $after AND identifier.key < $end
RETURN identifier.key AS key, identifier.sealed AS sealed
ORDER BY key
LIMIT $limit;
