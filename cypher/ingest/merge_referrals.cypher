// Who brought whom; the earliest referral of a pair counts.
//
// Access: write
// Parameters:
//   $rows  list  {account_id, counterparty_account_id, event_count, first_seen}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (referrer:Account {id: row.account_id})
MATCH (referred:Account {id: row.counterparty_account_id})
MERGE (referrer)-[referral:REFERRED]->(referred)
ON CREATE SET referral.at = row.first_seen, referral.event_count = row.event_count
ON MATCH SET referral.event_count = referral.event_count + row.event_count,
             referral.at = CASE WHEN row.first_seen < referral.at
                           THEN row.first_seen ELSE referral.at END;
