// Which anomaly model is the present one.
//
// Access: read
// Returns: version
MATCH (model:AnomalyModel)
RETURN model.version AS version
ORDER BY model.trained_at DESC
LIMIT 1;
