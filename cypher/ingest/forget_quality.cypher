// Deletes hourly counts that are too old.
//
// Access: write
// Parameters:
//   $before  int  hours that start earlier, milliseconds since 1970
//   $limit   int  most counts to delete
// Returns: nothing
// Browser: :params {before: 0, limit: 10}
MATCH (quality:Quality)
WHERE quality.hour < $before AND quality.measure IS NOT NULL
WITH quality
LIMIT $limit
DELETE quality;
