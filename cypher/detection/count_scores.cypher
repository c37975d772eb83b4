// How many open rings have each risk score.
//
// Access: read
// Returns: score, rings
MATCH (ring:Ring {status: 'open'})
WHERE ring.risk_score >= 0
WITH ring.risk_score AS score, count(*) AS rings
RETURN score, rings
ORDER BY score;
