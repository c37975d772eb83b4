// Rings that were open at an instant, with who was in them.
//
// Access: read
// Parameters:
//   $at  int  milliseconds since 1970
// Returns: ring_id, born_at, members
// Browser: :params {at: 0}
MATCH (ring:Ring)<-[member:MEMBER_OF]-(account:Account)
WHERE member.since <= $at AND (member.until IS NULL OR member.until > $at)
RETURN ring.id AS ring_id, ring.born_at AS born_at, collect([account.id, member.strength]) AS members
ORDER BY ring_id;
