// What an account did, as plain numbers for the anomaly score, and the score it has.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts to describe
// Returns: id, anomaly_score, anomaly_reasons, due_at, component, event_count, active_ms, devices, payment_instruments, ips, payees, payers, sent_micros, received_micros, referrals
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})
CALL (account) {
  OPTIONAL MATCH (account)-[:USED]->(identifier:Identifier)
  RETURN sum(CASE WHEN identifier.kind = 'device' THEN 1 ELSE 0 END) AS devices,
         sum(CASE WHEN identifier.kind = 'payment_instrument' THEN 1 ELSE 0 END) AS payment_instruments,
         sum(CASE WHEN identifier.kind = 'ip' THEN 1 ELSE 0 END) AS ips
}
CALL (account) {
  OPTIONAL MATCH (account)-[sent:TRANSFERRED]->(payee:Account)
  RETURN count(DISTINCT payee) AS payees, sum(toFloat(sent.amount_micros)) AS sent_micros
}
CALL (account) {
  OPTIONAL MATCH (account)<-[received:TRANSFERRED]-(payer:Account)
  RETURN count(DISTINCT payer) AS payers,
         sum(toFloat(received.amount_micros)) AS received_micros
}
RETURN account.id AS id, account.anomaly_score AS anomaly_score,
       account.anomaly_reasons AS anomaly_reasons, account.due_at AS due_at,
       account.component AS component,
       account.event_count AS event_count,
       coalesce(account.last_seen - account.first_seen, 0) AS active_ms,
       devices, payment_instruments, ips, payees, payers, sent_micros, received_micros,
       COUNT { (account)-[:REFERRED]->() } AS referrals;
