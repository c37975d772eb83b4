// Identifiers of a ring's members that at least two of them use, and outsiders on these.
//
// A crowded identifier is shown, but its other accounts are not.
//
// Access: read
// Parameters:
//   $ring_id  string  the ring
//   $caps     map     kind to the most accounts before a value is a hub
// Returns: key, member_count, outsiders
// Browser: :params {ring_id: "", caps: {device: 50, payment_instrument: 50}}
MATCH (ring:Ring {id: $ring_id})<-[member:MEMBER_OF]-(account:Account)-[:USED]->(identifier:Identifier)
WHERE member.until IS NULL OR member.until = ring.closed_at
WITH ring, identifier, count(DISTINCT account) AS member_count
WHERE member_count >= 2
WITH ring, identifier, member_count, COUNT { (identifier)<-[:USED]-() } AS degree
RETURN identifier.key AS key, member_count,
       CASE WHEN degree > $caps[identifier.kind] THEN []
       ELSE [(identifier)<-[:USED]-(other:Account)
             WHERE NOT EXISTS {
               (other)-[m:MEMBER_OF]->(ring) WHERE m.until IS NULL OR m.until = ring.closed_at
             } | other.id]
       END AS outsiders
ORDER BY member_count DESC, key;
