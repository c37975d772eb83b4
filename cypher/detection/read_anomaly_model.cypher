// The training sample of the present anomaly model.
//
// Access: read
// Returns: version, sample, columns
MATCH (model:AnomalyModel)
RETURN model.version AS version, model.sample AS sample, model.columns AS columns
ORDER BY model.trained_at DESC
LIMIT 1;
