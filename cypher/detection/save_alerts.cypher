// Alerts of a run, and on each ring the level it was last alerted at.
//
// Access: write
// Parameters:
//   $rows  list  {alert_id, ring_id, at, risk_score, risk_level, sequence, detector_version, calibration}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
MERGE (alert:Alert {id: row.alert_id})
SET alert.at = row.at, alert.risk_score = row.risk_score, alert.risk_level = row.risk_level,
    alert.sequence = row.sequence, alert.detector_version = row.detector_version,
    alert.calibration = row.calibration
MERGE (alert)-[:RAISED_FOR]->(ring)
SET ring.alerted_level = row.risk_level, ring.alert_count = row.sequence;
