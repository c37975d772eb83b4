// The training sample of an anomaly model.
//
// Access: read
// Parameters:
//   $version  string  which
// Returns: sample, columns
// Browser: :params {version: ""}
MATCH (model:AnomalyModel {version: $version})
RETURN model.sample AS sample, model.columns AS columns;
