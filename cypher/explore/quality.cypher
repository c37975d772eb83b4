// How much came in and how good it was, an hour a row: [measure, count] pairs.
//
// Access: read
// Parameters:
//   $since  int  first hour, milliseconds since 1970
//   $until  int  hour after the last
// Returns: hour, counts
// Browser: :params {since: 0, until: 9000000000000}
MATCH (quality:Quality)
WHERE $since <= quality.hour < $until AND quality.measure IS NOT NULL
WITH quality.hour AS hour, quality.measure AS measure, sum(quality.count) AS count
ORDER BY hour, measure
RETURN hour, collect([measure, count]) AS counts
ORDER BY hour;
