// Counters of referrals that the graph has; how many it found.
//
// Access: write
// Parameters:
//   $rows  list  [referrer, referred, events to add, first_seen]
// Returns: referrals
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (referrer:Account {id: row[0]})
MATCH (referred:Account {id: row[1]})
MATCH (referrer)-[referral:REFERRED]->(referred)
SET referral.event_count = referral.event_count + row[2],
    referral.at = CASE WHEN row[3] < referral.at THEN row[3] ELSE referral.at END
RETURN count(*) AS referrals;
