// Rings that some accounts were ever in; the open ones that they are in with all members and their ties.
//
// One that was confirmed, as the last word on it, or that is in a case, is kept. Of one that was
// dismissed: who was in it then, its level, and how many alerts there had been.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
// Returns: ring_id, risk_score, risk_level, alerted_level, alert_count, members, digest, is_kept, dismissed
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[here:MEMBER_OF]->(ring:Ring)
WITH ring, count(CASE WHEN here.until IS NULL THEN 1 END) > 0 AND ring.status = 'open' AS is_open
RETURN ring.id AS ring_id, ring.risk_score AS risk_score, ring.risk_level AS risk_level,
       ring.alerted_level AS alerted_level, coalesce(ring.alert_count, 0) AS alert_count,
       CASE WHEN is_open THEN
         [(ring)<-[member:MEMBER_OF]-(account:Account) WHERE member.until IS NULL |
          [account.id, member.strength]]
       END AS members, ring.digest AS digest,
       EXISTS { (ring)<-[:ABOUT]-(:Case) } OR EXISTS {
         (ring)<-[:ABOUT]-(last:Disposition {disposition: 'confirmed'})
         WHERE last.at = ring.disposed_at
       } AS is_kept,
       head(COLLECT {
         MATCH (ring)<-[:ABOUT]-(last:Disposition {disposition: 'dismissed'})
         WHERE last.at = ring.disposed_at
         RETURN [last.account_ids, last.risk_level, last.alert_count]
       }) AS dismissed
ORDER BY ring_id;
