// Every identifier that more than one account uses and that is no hub nor benign, with its uses.
//
// Only these are read: degrees come from the degree store, so the many private identifiers cost next
// to nothing.
//
// Access: read
// Parameters:
//   $caps       map  kind to the most accounts before a value is a hub
//   $live_from  int  uses that ended earlier have expired, milliseconds since 1970
//   $now        int  time of the run, milliseconds since 1970
// Returns: key, kind, account_ids, first_seen, last_seen
// Browser: :params {caps: {device: 50, payment_instrument: 50}, live_from: 0, now: 0}
MATCH (identifier:Identifier)
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
