// Accounts that may be new; a counterparty that never acted has an event_count of 0 and no times.
//
// Access: write
// Parameters:
//   $rows  list  [id, events to add, first_seen, last_seen], sorted by id; times may be null
// Returns: accounts
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (account:Account {id: row[0]})
ON CREATE SET account.event_count = 0
SET account.event_count = account.event_count + row[1],
    account.first_seen = CASE
      WHEN row[2] < coalesce(account.first_seen, row[2] + 1)
      THEN row[2] ELSE account.first_seen END,
    account.last_seen = CASE
      WHEN row[3] > coalesce(account.last_seen, row[3] - 1)
      THEN row[3] ELSE account.last_seen END
RETURN count(*) AS accounts;
