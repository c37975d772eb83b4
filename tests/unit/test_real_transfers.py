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

TRANSFERS = Path(__file__).resolve().parents[1] / "data" / "p2p" / "transfers.parquet"


@pytest.fixture(scope="module")
def transfers() -> pa.Table:
    table = pq.read_table(TRANSFERS)
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
    [
        (round_trip_pairs, 23),
        (farm_pairs, 41),
        (funnel_pairs, 1),
        (smurf_pairs, 34),
        (cohort_pairs, 178),
    ],
)
def test_real_groups_vanish_when_the_times_are_shuffled(detector, found, transfers) -> None:
    assert groups(detector(transfers)) == found
    random = np.random.default_rng(1)
    times = pa.array(random.permutation(transfers["at"].to_numpy()))
    place = transfers.schema.names.index("at")
    assert detector(transfers.set_column(place, "at", times)).num_rows == 0
