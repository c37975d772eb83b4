// What was said last of each ring, of whom, and when; in order.
//
// Access: read
// Returns: number, at, disposition, account_ids, excluded_account_ids
MATCH (ring:Ring)
WHERE ring.disposed_at IS NOT NULL
MATCH (ring)<-[:ABOUT]-(said:Disposition {at: ring.disposed_at})
WHERE said.disposition IN ['confirmed', 'dismissed']
RETURN said.number AS number, said.at AS at, said.disposition AS disposition,
       said.account_ids AS account_ids, said.excluded_account_ids AS excluded_account_ids
ORDER BY number;
