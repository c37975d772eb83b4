// Counters of accounts and their uses that the graph has; how many it found.
//
// All uses of an account are walked and the map asked for each: faster than one index look-up a
// pair as long as an account has few uses that did not change.
//
// Access: write
// Parameters:
//   $rows  list  [id, events to add, first_seen, last_seen, uses], sorted by id; uses is a map of
//                identifier key to [events to add, first_seen, last_seen]
// Returns: accounts, uses
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row[0]})
SET account.event_count = account.event_count + row[1],
    account.first_seen = CASE
      WHEN row[2] < coalesce(account.first_seen, row[2] + 1)
      THEN row[2] ELSE account.first_seen END,
    account.last_seen = CASE
      WHEN row[3] > coalesce(account.last_seen, row[3] - 1)
      THEN row[3] ELSE account.last_seen END
WITH account, row[4] AS uses
CALL (account, uses) {
  MATCH (account)-[used:USED]->(identifier:Identifier)
  WITH used, uses[identifier.key] AS use
  WHERE use IS NOT NULL
  SET used.event_count = used.event_count + use[0],
      used.first_seen = CASE WHEN use[1] < used.first_seen THEN use[1] ELSE used.first_seen END,
      used.last_seen = CASE WHEN use[2] > used.last_seen THEN use[2] ELSE used.last_seen END
  RETURN count(*) AS found
}
RETURN count(*) AS accounts, sum(found) AS uses;
