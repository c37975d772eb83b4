// Accounts of a batch; a counterparty that never acted has an event_count of 0 and no times.
//
// Access: write
// Parameters:
//   $rows  list  {id, event_count, first_seen, last_seen}, sorted by id; times may be null
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (account:Account {id: row.id})
ON CREATE SET account.event_count = 0
SET account.event_count = account.event_count + row.event_count,
    account.first_seen = CASE
      WHEN row.first_seen < coalesce(account.first_seen, row.first_seen + 1)
      THEN row.first_seen ELSE account.first_seen END,
    account.last_seen = CASE
      WHEN row.last_seen > coalesce(account.last_seen, row.last_seen - 1)
      THEN row.last_seen ELSE account.last_seen END;
