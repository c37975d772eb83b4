// Findings of accounts that are looked at again; a finding nobody is left in goes.
//
// Access: write
// Parameters:
//   $account_ids  list  accounts looked at
// Returns: nothing
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[flagged:FLAGGED_BY]->(finding:Finding)
DELETE flagged
WITH DISTINCT finding
WHERE NOT EXISTS { (finding)<-[:FLAGGED_BY]-() }
DELETE finding;
