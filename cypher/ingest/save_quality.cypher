// Adds to the counts of how much came in each hour and how good it was.
//
// Each partition has counts of its own: writers would wait for each other, and in a ring.
//
// Access: write
// Parameters:
//   $rows    list    {hour, measure, count}; hour is its start, milliseconds since 1970
//   $source  string  the partition
// Returns: nothing
// Browser: :params {rows: [], source: "topic/0"}
UNWIND $rows AS row
MERGE (quality:Quality {hour: row.hour, measure: row.measure, source: $source})
ON CREATE SET quality.count = 0
SET quality.count = quality.count + row.count;
