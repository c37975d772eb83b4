// Accounts in the riskiest rings, then the most unusual ones.
//
// Access: read
// Parameters:
//   $limit  int  most accounts
// Returns: account_id, risk_score, anomaly_score, ring_id
// Browser: :params {limit: 10}
MATCH (account:Account)-[member:MEMBER_OF]->(ring:Ring {status: 'open'})
WHERE member.until IS NULL
WITH account, ring ORDER BY ring.risk_score DESC, ring.id
WITH account, head(collect(ring)) AS ring
RETURN account.id AS account_id, ring.risk_score AS risk_score,
       account.anomaly_score AS anomaly_score, ring.id AS ring_id
ORDER BY risk_score DESC, anomaly_score DESC, account_id
LIMIT $limit;
