// A newly trained anomaly model; it replaces the one before.
//
// Access: write
// Parameters:
//   $version     string  hash of the sample
//   $sample      bytes   float64 rows
//   $columns     int     numbers a row
//   $trained_at  int     time of the run
// Returns: nothing
// Browser: :params {version: "", sample: null, columns: 0, trained_at: 0}
OPTIONAL MATCH (old:AnomalyModel)
WHERE old.version <> $version
DELETE old
WITH DISTINCT 1 AS one
MERGE (model:AnomalyModel {version: $version})
SET model.sample = $sample, model.columns = $columns, model.trained_at = $trained_at;
