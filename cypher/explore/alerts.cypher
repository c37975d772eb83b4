// Alerts, newest first, a page at a time.
//
// Access: read
// Parameters:
//   $after_at  int     time of the last alert of the page before
//   $after_id  string  its id
//   $limit     int     most alerts
// Returns: alert_id, ring_id, at, risk_score, risk_level, sequence, detector_version, calibration
// Browser: :params {after_at: 9999999999999, after_id: "", limit: 25}
MATCH (alert:Alert)-[:RAISED_FOR]->(ring:Ring)
WHERE alert.at < $after_at OR (alert.at = $after_at AND alert.id > $after_id)
RETURN alert.id AS alert_id, ring.id AS ring_id, alert.at AS at, alert.risk_score AS risk_score,
       alert.risk_level AS risk_level, alert.sequence AS sequence,
       alert.detector_version AS detector_version,
       coalesce(alert.calibration, 'not calibrated') AS calibration
ORDER BY at DESC, alert_id
LIMIT $limit;
