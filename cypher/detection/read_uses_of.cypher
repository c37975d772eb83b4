// The identifiers of some accounts by which two hang together if they share one, with all their uses.
//
// Those that others use too and that are no hubs nor benign.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
//   $kinds        list  kinds of identifiers
//   $caps         map   kind to the most accounts before a value is a hub
//   $live_from    int   uses that ended earlier have expired, milliseconds since 1970
//   $now          int   time of the run, milliseconds since 1970
// Returns: key, kind, account_ids, first_seen, last_seen
// Browser: :params {account_ids: [], kinds: ["device"], caps: {device: 50}, live_from: 0, now: 0}
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[:USED]->(identifier:Identifier)
WHERE identifier.kind IN $kinds
WITH DISTINCT identifier
WITH identifier, COUNT { (identifier)<-[:USED]-() } AS degree
WHERE degree >= 2 AND identifier.benign_at IS NULL
  AND NOT coalesce(identifier.hub_until > $now, false)
  AND $caps[identifier.kind] >= CASE
    WHEN degree <= $caps[identifier.kind] THEN degree
    ELSE COUNT { (identifier)<-[used:USED]-() WHERE used.last_seen >= $live_from }
  END
MATCH (identifier)<-[used:USED]-(account:Account)
WHERE used.last_seen >= $live_from
RETURN identifier.key AS key, identifier.kind AS kind, collect(account.id) AS account_ids,
       collect(used.first_seen) AS first_seen, collect(used.last_seen) AS last_seen;
