// How benign rings score; it takes the place of the calibration before.
//
// Access: write
// Parameters:
//   $benign     list    how many benign rings have each score of 0 to 100
//   $everybody  list    the same of all open rings
//   $source     string  whose word it is that they are benign
//   $at         int     when it was made, milliseconds since 1970
// Returns: nothing
// Browser: :params {benign: [], everybody: [], source: "truth", at: 0}
MERGE (made:Calibration {name: 'rings'})
SET made.benign = $benign, made.everybody = $everybody, made.source = $source, made.at = $at,
    made.frozen_at = null;
