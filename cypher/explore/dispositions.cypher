// What was concluded about a ring or an identifier, the last first.
//
// Access: read
// Parameters:
//   $ring_id  string  the ring, or nothing
//   $key      string  identifier key, or nothing
//   $limit    int     most dispositions
// Returns: id, at, disposition, reason, excluded_account_ids
// Browser: :params {ring_id: "", key: "", limit: 25}
CALL () {
  MATCH (ring:Ring {id: $ring_id})<-[:ABOUT]-(found:Disposition)
  RETURN found
  UNION ALL
  MATCH (identifier:Identifier {key: $key})<-[:ABOUT]-(found:Disposition)
  RETURN found
}
RETURN found.id AS id, found.at AS at, found.disposition AS disposition, found.reason AS reason,
       found.excluded_account_ids AS excluded_account_ids
ORDER BY at DESC
LIMIT $limit;
