// What some accounts share with anybody, with all its users, or with those who met one of the accounts.
//
// Of kinds that only support a link the many others on a value stay unread: such a value comes once for
// each of the accounts, with whoever came, or was last there, together with it, or alone: two of one ring
// may have been at an address at different times.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
//   $kinds        list  kinds of identifiers that only support a link
//   $together_ms  int   milliseconds between two that came or were last there together
//   $caps         map   kind to the most accounts before a value is a hub
//   $live_from    int   uses that ended earlier have expired, milliseconds since 1970
//   $now          int   time of the run, milliseconds since 1970
// Returns: key, kind, account_ids, first_seen, last_seen
// Browser: :params {account_ids: [], kinds: ["ip"], together_ms: 1800000, caps: {ip: 50, device: 50}, live_from: 0, now: 0}
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[use:USED]->(identifier:Identifier)
WITH use, identifier, COUNT { (identifier)<-[:USED]-() } AS degree
// most have one user: of those no property is read
WHERE degree >= 2
WITH DISTINCT identifier, degree, CASE WHEN identifier.kind IN $kinds THEN use END AS mine
WHERE (mine IS NULL OR mine.last_seen >= $live_from) AND identifier.benign_at IS NULL
  AND NOT coalesce(identifier.hub_until > $now, false)
  AND $caps[identifier.kind] >= CASE
    WHEN degree <= $caps[identifier.kind] THEN degree
    ELSE COUNT { (identifier)<-[used:USED]-() WHERE used.last_seen >= $live_from }
  END
MATCH (identifier)<-[used:USED]-(account:Account)
WHERE used.last_seen >= $live_from
  AND (mine IS NULL OR abs(used.first_seen - mine.first_seen) <= $together_ms
       OR abs(used.last_seen - mine.last_seen) <= $together_ms)
WITH mine, identifier, collect(account.id) AS account_ids,
     collect(used.first_seen) AS first_seen, collect(used.last_seen) AS last_seen
RETURN identifier.key AS key, identifier.kind AS kind, account_ids, first_seen, last_seen;
