// One account with its scores and flags.
//
// Access: read
// Parameters:
//   $account_id  string  the account
// Returns: account_id, anomaly_score, anomaly_reasons, rings, flags, first_seen, last_seen, event_count
// Browser: :params {account_id: "1"}
MATCH (account:Account {id: $account_id})
RETURN account.id AS account_id, account.anomaly_score AS anomaly_score,
       account.anomaly_reasons AS anomaly_reasons,
       [(account)-[member:MEMBER_OF]->(ring:Ring {status: 'open'})
        WHERE member.until IS NULL | [ring.id, ring.risk_score]] AS rings,
       [(account)-[:FLAGGED_BY]->(finding:Finding) |
        [finding.rule, finding.at, finding.detail]] AS flags,
       account.first_seen AS first_seen, account.last_seen AS last_seen,
       account.event_count AS event_count;
