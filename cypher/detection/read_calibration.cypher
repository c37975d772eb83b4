// How benign rings score on this graph, as it was last calibrated.
//
// Access: read
// Returns: benign, everybody, source, at, frozen_at
MATCH (made:Calibration {name: 'rings'})
RETURN made.benign AS benign, made.everybody AS everybody, made.source AS source, made.at AS at,
       made.frozen_at AS frozen_at;
