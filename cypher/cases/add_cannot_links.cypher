// Says of pairs of accounts that they do not belong together; the last word on a pair counts.
//
// Access: write
// Parameters:
//   $rows       list    [account id, account id]
//   $ring_id    string  the ring that the disposition is on
//   $last_seen  int     when the ring was last seen, milliseconds since 1970
// Returns: nothing
// Browser: :params {rows: [], ring_id: "", last_seen: 0}
UNWIND $rows AS row
MATCH (one:Account {id: row[0]})
MATCH (other:Account {id: row[1]})
MERGE (one)-[link:CANNOT_LINK {ring_id: $ring_id}]->(other)
SET link.last_seen = $last_seen
WITH one, other
MATCH (one)-[former:MUST_LINK]-(other)
DELETE former;
