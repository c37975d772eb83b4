// Hits of the rules, tied to the accounts they are about.
//
// Access: write
// Parameters:
//   $rows  list  {id, rule, identifier_key, at, detail, account_count, account_ids}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (finding:Finding {id: row.id})
SET finding.rule = row.rule, finding.identifier_key = row.identifier_key, finding.at = row.at,
    finding.detail = row.detail, finding.account_count = row.account_count
WITH finding, row
UNWIND row.account_ids AS account_id
MATCH (account:Account {id: account_id})
MERGE (account)-[:FLAGGED_BY]->(finding);
