"""What the account score looks at: plain numbers out of the archive, each with its words."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection.projection import age_hour, live_from
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.kinds import hub_caps
from graph.times import DAY_MS

#: days of what is recent: fraud is over sooner than a habit changes
RECENT_DAYS = 30
#: column of account_features.sql to what a high value means, in words. Few and directed: each
#: says something of fraud when it is high, and nothing when it is low
FEATURES = {
    "spent": "much money spent",
    "spent_recently": f"much money spent in {RECENT_DAYS} days",
    "payment_instruments": "many payment instruments",
    "new_payment_instruments": f"many new payment instruments in {RECENT_DAYS} days",
    "devices": "many devices",
    "new_devices": f"many new devices in {RECENT_DAYS} days",
    "recent_events": f"many events in {RECENT_DAYS} days",
    "widest_sharing": "an identifier shared with many others",
    "widest_address": "an address shared with many others",
    "haste": "money spent soon after the sign-up",
}
_SQL = Path(__file__).with_name("account_features.sql").read_text("utf-8")
_NOTHING = DenyList()


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One row an account, one column a feature, as log(1 + value)."""

    #: sorted
    account_ids: list[str]
    #: float64, accounts × features, nothing below 0
    values: NDArray[np.float64]


def read_features(archive: Archive, now: int, denied: DenyList = _NOTHING) -> Features:
    """Features of every account up to `now`, milliseconds since 1970.

    They change by themselves with the hour, when something is recent no more. What is denied, and
    what is a hub, is shared by nobody. A million events take some seconds.
    """
    caps = hub_caps()
    parameters = {
        "recent": age_hour(now) - RECENT_DAYS * DAY_MS,
        "live": live_from(now),
        "denied": sorted(denied.keys),
        "nobody": sorted(denied.account_ids),
        "kinds": list(caps),
        "caps": list(caps.values()),
    }
    found = archive.ask(_SQL, now + 1, parameters)
    columns = [found[name].to_numpy() for name in FEATURES]
    values = np.column_stack(columns).astype(np.float64)
    return Features(found["account_id"].to_pylist(), np.log1p(np.nan_to_num(values)))
