// What some rules have found, with all accounts that each hit is about.
//
// Access: read
// Parameters:
//   $rules  list  names
// Returns: id, digest, account_ids, rule, identifier_key, account_count, at, detail
// Browser: :params {rules: ["fan_in"]}
MATCH (finding:Finding)<-[:FLAGGED_BY]-(account:Account)
WHERE finding.rule IN $rules
RETURN finding.id AS id, finding.digest AS digest, collect(account.id) AS account_ids,
       finding.rule AS rule, finding.identifier_key AS identifier_key,
       finding.account_count AS account_count, finding.at AS at, finding.detail AS detail;
