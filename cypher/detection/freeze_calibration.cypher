// Whether rings score otherwise since a calibration, if it is still the one that is used.
//
// Access: write
// Parameters:
//   $at         int  when it was made, milliseconds since 1970
//   $frozen_at  int  since when, milliseconds since 1970; null when they do not any more
// Returns: calibrations
// Browser: :params {at: 0, frozen_at: null}
MATCH (made:Calibration {name: 'rings', at: $at})
SET made.frozen_at = $frozen_at
RETURN count(made) AS calibrations;
