// What investigators said of rings after what was learnt last, and of whom, in order.
//
// Access: read
// Parameters:
//   $since  int  number of the disposition learnt last
// Returns: number, disposition, account_ids, excluded_account_ids
// Browser: :params {since: 0}
MATCH (said:Disposition)
WHERE said.number > $since AND said.disposition IN ['confirmed', 'dismissed']
RETURN said.number AS number, said.disposition AS disposition, said.account_ids AS account_ids,
       said.excluded_account_ids AS excluded_account_ids
ORDER BY number;
