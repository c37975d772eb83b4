// Accounts with their scores and flags, in order of id, a page at a time.
//
// Access: read
// Parameters:
//   $after_id  string  last account of the page before
//   $flagged   bool    only accounts with a flag
//   $limit     int     most accounts
// Returns: account_id, anomaly_score, anomaly_reasons, rings, flags, first_seen, last_seen, event_count
// Browser: :params {after_id: "", flagged: true, limit: 25}
MATCH (account:Account)
WHERE account.id > $after_id AND (NOT $flagged OR EXISTS { (account)-[:FLAGGED_BY]->() })
WITH account ORDER BY account.id LIMIT $limit
RETURN account.id AS account_id, account.anomaly_score AS anomaly_score,
       account.anomaly_reasons AS anomaly_reasons,
       [(account)-[member:MEMBER_OF]->(ring:Ring {status: 'open'})
        WHERE member.until IS NULL | [ring.id, ring.risk_score]] AS rings,
       [(account)-[:FLAGGED_BY]->(finding:Finding) |
        [finding.rule, finding.at, finding.detail]] AS flags,
       account.first_seen AS first_seen, account.last_seen AS last_seen,
       account.event_count AS event_count
ORDER BY account_id;
