// Accounts for a picture, with their neighbours counted by kind.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
// Returns: id, first_seen, last_seen, event_count, anomaly_score, rings, kinds, counterparties
// Browser: :params {account_ids: ["1"]}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})
CALL (account) {
  MATCH (account)-[:USED]->(identifier:Identifier)
  WITH identifier.kind AS kind, count(*) AS uses
  RETURN collect([kind, uses]) AS kinds
}
CALL (account) {
  MATCH (account)-[:TRANSFERRED|REFERRED]-(other:Account)
  RETURN count(DISTINCT other) AS counterparties
}
RETURN account.id AS id, account.first_seen AS first_seen, account.last_seen AS last_seen,
       account.event_count AS event_count, account.anomaly_score AS anomaly_score,
       [(account)-[member:MEMBER_OF]->(ring:Ring {status: 'open'})
        WHERE member.until IS NULL | [ring.id, ring.risk_score, ring.risk_level]] AS rings,
       kinds, counterparties;
