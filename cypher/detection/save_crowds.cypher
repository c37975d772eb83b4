// Which accounts have too many counterparties to tell who belongs to whom.
//
// Access: write
// Parameters:
//   $rows  list  {id, is_crowded}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row.id})
SET account.is_crowded = CASE WHEN row.is_crowded THEN true END;
