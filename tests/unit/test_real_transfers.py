"""What the detectors of transfers find in P2P's real ones, and that it is not there by chance."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from detection.cohorts import cohort_pairs
from detection.components import connect
from detection.farms import farm_pairs
from detection.funnels import funnel_pairs
from detection.round_trips import round_trip_pairs
from detection.smurfing import smurf_pairs

P2P = Path(__file__).resolve().parents[1] / "data" / "p2p"


@pytest.fixture(scope="module")
def transfers() -> pa.Table:
    table = pq.read_table(P2P / "transfers.parquet")
    return pa.table(
        {
            "payer": table["account_id"].cast(pa.string()),
            "payee": table["counterparty_account_id"].cast(pa.string()),
            "at": pc.cast(pc.cast(table["occurred_at"], pa.timestamp("ms", "UTC")), pa.int64()),
            "amount_micros": pc.cast(
                pc.multiply(pc.cast(table["amount"], pa.float64()), 1e6), pa.int64(), safe=False
            ),
            "currency": pa.array([""] * table.num_rows),
        }
    )


def groups(pairs: pa.Table) -> int:
    """How many groups the pairs make."""
    ends = pc.unique(pa.chunked_array([*pairs["source"].chunks, *pairs["target"].chunks]))
    one, other = (pc.index_in(pairs[end], ends).to_numpy() for end in ("source", "target"))
    return len(set(connect(one, other, len(ends)).tolist()))


@pytest.mark.parametrize(
    ("detector", "found"),
    [(round_trip_pairs, 23), (farm_pairs, 41), (funnel_pairs, 1), (smurf_pairs, 34)],
)
def test_real_groups_vanish_when_the_times_are_shuffled(detector, found, transfers) -> None:
    assert groups(detector(transfers)) == found
    random = np.random.default_rng(1)
    times = pa.array(random.permutation(transfers["at"].to_numpy()))
    place = transfers.schema.names.index("at")
    assert detector(transfers.set_column(place, "at", times)).num_rows == 0


@pytest.fixture(scope="module")
def began(transfers) -> pa.Table:
    """When each account first had a card, a device or a transfer."""
    heard = [
        transfers.select([end, "at"]).rename_columns(["account_id", "at"])
        for end in ("payer", "payee")
    ]
    for name, day in (("card_links", "added_on"), ("device_links", "used_on")):
        table = pq.read_table(P2P / f"{name}.parquet")
        days = pc.cast(pc.cast(table[day], pa.date32()), pa.timestamp("ms", "UTC"))
        columns = [table["account_id"].cast(pa.string()), pc.cast(days, pa.int64())]
        heard.append(pa.table(columns, ["account_id", "at"]))
    first = pa.concat_tables(heard).group_by("account_id", use_threads=False)
    return first.aggregate([("at", "min")]).rename_columns(["account_id", "at"])


def test_real_cohorts_vanish_when_the_beginnings_are_shuffled(transfers, began) -> None:
    assert groups(cohort_pairs(transfers, began)) == 12
    random = np.random.default_rng(1)
    times = pa.array(random.permutation(began["at"].to_numpy()))
    shuffled = began.set_column(1, "at", times)
    assert cohort_pairs(transfers, shuffled).num_rows == 0
