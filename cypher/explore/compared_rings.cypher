// Open rings with the mean score of their members by the live detector and by its challenger.
//
// Access: read
// Returns: ring_id, risk_score, size, live, shadow
MATCH (ring:Ring {status: 'open'})<-[member:MEMBER_OF]-(account:Account)
WHERE member.until IS NULL
RETURN ring.id AS ring_id, ring.risk_score AS risk_score, ring.size AS size,
       avg(CASE WHEN account.in_experiment THEN account.shadow_score
           ELSE account.anomaly_score END) AS live,
       avg(CASE WHEN account.in_experiment THEN account.anomaly_score
           ELSE account.shadow_score END) AS shadow
ORDER BY ring_id;
