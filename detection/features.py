"""What the account score looks at: plain numbers out of the archive, each with its words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.neighbourhood import CoUses, around
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
_SHARED, _FEATURES, _LINKS = (
    Path(__file__).with_name(f"{name}.sql").read_text("utf-8")
    for name in ("shared_uses", "account_features", "account_links")
)
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
    asked = _shared_until(now, denied) | {"recent": age_hour(now) - RECENT_DAYS * DAY_MS}
    found = archive.ask(_SHARED + _FEATURES, now + 1, asked)
    columns = [found[name].to_numpy() for name in FEATURES]
    values = np.column_stack(columns).astype(np.float64)
    return Features(found["account_id"].to_pylist(), np.log1p(np.nan_to_num(values)))


def with_neighbours(
    archive: Archive, features: Features, now: int, denied: DenyList = _NOTHING
) -> Features:
    """The same accounts with more columns: what those are like who share an identifier with them.

    `features` are those of all accounts at `now`, milliseconds since 1970.
    """
    found = archive.ask(_SHARED + _LINKS, now + 1, _shared_until(now, denied))
    place = {account_id: number for number, account_id in enumerate(features.account_ids)}
    # the archive may have grown by somebody since the features were read
    users = np.array([place.get(a, -1) for a in found["account_id"].to_pylist()], np.int64)
    keys = np.unique(found["key"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    links = CoUses(users[users >= 0], keys[users >= 0], len(features.account_ids))
    wide = np.hstack([features.values, around(features.values, links)])
    return Features(features.account_ids, wide)


def own(features: Features) -> Features:
    """The same accounts without what those around them are like."""
    return Features(features.account_ids, features.values[:, : len(FEATURES)])


def _shared_until(now: int, denied: DenyList) -> dict[str, Any]:
    caps = hub_caps()
    return {
        "live": live_from(now),
        "denied": sorted(denied.keys),
        "nobody": sorted(denied.account_ids),
        "kinds": list(caps),
        "caps": list(caps.values()),
    }
