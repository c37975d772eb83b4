// Identifiers that more accounts use than their cap and that are not known as hubs.
//
// `hub_until` is when so many of the present uses will have expired that it is one no more.
//
// Access: read
// Parameters:
//   $caps       map  kind to the most accounts before a value is a hub
//   $horizon    int  milliseconds after which a use expires
//   $live_from  int  uses that ended earlier have expired, milliseconds since 1970
//   $now        int  time of the run, milliseconds since 1970
// Returns: key, hub_until
// Browser: :params {caps: {device: 50, payment_instrument: 50}, horizon: 1, live_from: 0, now: 0}
MATCH (identifier:Identifier)
WHERE COUNT { (identifier)<-[:USED]-() } > $caps[identifier.kind]
  AND NOT coalesce(identifier.hub_until > $now, false)
CALL (identifier) {
  MATCH (identifier)<-[used:USED]-()
  WHERE used.last_seen >= $live_from
  WITH used.last_seen AS last_seen ORDER BY last_seen DESC
  WITH collect(last_seen) AS times
  RETURN times[$caps[identifier.kind]] AS last_seen
}
WITH identifier, last_seen
WHERE last_seen IS NOT NULL
RETURN identifier.key AS key, last_seen + $horizon + 1 AS hub_until
ORDER BY key;
