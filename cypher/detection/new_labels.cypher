// What investigators said of rings after an instant, and of whom, in order.
//
// Access: read
// Parameters:
//   $since  int  milliseconds since 1970
// Returns: at, disposition, account_ids, excluded_account_ids
// Browser: :params {since: 0}
MATCH (said:Disposition)
WHERE said.at > $since AND said.disposition IN ['confirmed', 'dismissed']
  AND said.account_ids IS NOT NULL
RETURN said.at AS at, said.disposition AS disposition, said.account_ids AS account_ids,
       said.excluded_account_ids AS excluded_account_ids
ORDER BY at, said.id;
