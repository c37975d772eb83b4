// Accounts by the latest flag, a page at a time.
//
// Access: read
// Parameters:
//   $rules     list    rules to show
//   $since     int     flagged at or after, milliseconds
//   $until     int     flagged before
//   $after_at  int     time of the last account of the page before
//   $after_id  string  its id
//   $limit     int     most accounts
// Returns: account_id, anomaly_score, at, flags
// Browser: :params {rules: ["shared_device"], since: 0, until: 9999999999999, after_at: 9999999999999, after_id: "", limit: 25}
MATCH (account:Account)-[:FLAGGED_BY]->(finding:Finding)
WHERE finding.rule IN $rules AND finding.at >= $since AND finding.at < $until
WITH account, max(finding.at) AS at, collect([finding.rule, finding.at, finding.detail]) AS flags
WHERE at < $after_at OR (at = $after_at AND account.id > $after_id)
RETURN account.id AS account_id, account.anomaly_score AS anomaly_score, at, flags
ORDER BY at DESC, account_id
LIMIT $limit;
