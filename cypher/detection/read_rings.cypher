// Open rings with their members and how strongly each is tied in.
//
// Access: read
// Returns: ring_id, risk_score, risk_level, alerted_level, alert_count, members
MATCH (ring:Ring {status: 'open'})
MATCH (ring)<-[member:MEMBER_OF]-(account:Account)
WHERE member.until IS NULL
RETURN ring.id AS ring_id, ring.risk_score AS risk_score, ring.risk_level AS risk_level,
       ring.alerted_level AS alerted_level, coalesce(ring.alert_count, 0) AS alert_count,
       collect([account.id, member.strength]) AS members
ORDER BY ring_id;
