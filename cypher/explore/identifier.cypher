// One identifier with its uses.
//
// Access: read
// Parameters:
//   $key  string  identifier key
// Returns: key, kind, value, account_count, event_count, first_seen, last_seen, benign_at
// Browser: :params {key: "device:1"}
MATCH (identifier:Identifier {key: $key})
OPTIONAL MATCH (identifier)<-[used:USED]-()
RETURN identifier.key AS key, identifier.kind AS kind, identifier.value AS value,
       count(used) AS account_count, coalesce(sum(used.event_count), 0) AS event_count,
       min(used.first_seen) AS first_seen, max(used.last_seen) AS last_seen,
       identifier.benign_at AS benign_at;
