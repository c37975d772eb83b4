// Who brought whom, where it may be new; the earliest referral of a pair counts.
//
// Access: write
// Parameters:
//   $rows  list  [referrer, referred, events to add, first_seen]
// Returns: referrals
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (referrer:Account {id: row[0]})
MATCH (referred:Account {id: row[1]})
MERGE (referrer)-[referral:REFERRED]->(referred)
ON CREATE SET referral.at = row[3], referral.event_count = row[2]
ON MATCH SET referral.event_count = referral.event_count + row[2],
             referral.at = CASE WHEN row[3] < referral.at THEN row[3] ELSE referral.at END
RETURN count(*) AS referrals;
