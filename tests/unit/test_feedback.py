import pytest

from detection.experiments import is_in_experiment
from detection.feedback import (
    ALL_RINGS,
    BESIDE,
    IN_EXPERIMENT,
    Compared,
    agreement,
    precision_by_week,
)
from graph.times import DAY_MS

#: a Thursday
EPOCH = 0


def judged(at: int, disposition: str, *codes: str) -> dict[str, object]:
    said = {"disposition": disposition, "reason_codes": list(codes)}
    return {"ring_id": "r", "at": at, "in_experiment": disposition == "dismissed"} | said


def test_precision_is_counted_by_week_and_reason():
    rows = [
        judged(EPOCH, "confirmed", "shared_device", "size"),
        judged(EPOCH + 3 * DAY_MS, "dismissed", "shared_device"),
        # the Monday after
        judged(EPOCH + 4 * DAY_MS, "confirmed"),
    ]
    found = {(each.week, each.reason): each for each in precision_by_week(rows)}
    assert list(found) == [
        ("1969-12-29", ALL_RINGS),
        ("1969-12-29", BESIDE),
        ("1969-12-29", IN_EXPERIMENT),
        ("1969-12-29", "shared_device"),
        ("1969-12-29", "size"),
        ("1970-01-05", ALL_RINGS),
        ("1970-01-05", BESIDE),
    ]
    device = found["1969-12-29", "shared_device"]
    assert (device.confirmed, device.dismissed, device.precision) == (1, 1, 0.5)
    assert device.lower == pytest.approx(0.0945, abs=1e-4)
    assert found["1969-12-29", "size"].precision == 1.0
    assert found["1970-01-05", ALL_RINGS].confirmed == 1


def test_nothing_judged_is_nothing_to_say():
    assert precision_by_week([]) == []


def rings(*scores: tuple[float | None, float | None]) -> list[Compared]:
    return [Compared(f"r{n}", 50, 4, live, shadow) for n, (live, shadow) in enumerate(scores)]


def test_agreement_is_a_rank_correlation():
    assert agreement(rings((1, 10), (2, 20), (3, 90))) == pytest.approx(1)
    assert agreement(rings((1, 90), (2, 20), (3, 10))) == pytest.approx(-1)
    # Spearman's of a textbook: 1 - 6 * 2 / (4 * 15)
    assert agreement(rings((1, 2), (2, 1), (3, 3), (4, 4))) == pytest.approx(0.8)
    assert agreement(rings((1, 2), (2, 1), (3, None))) is None
    assert agreement(rings((1, 1), (1, 2), (1, 3))) is None


def test_a_share_of_the_components_is_in_an_experiment_and_stays_there():
    names = [f"account-{n}" for n in range(10_000)]
    chosen = [
        {name for name in names if is_in_experiment("forest", name, share)} for share in (0, 20, 50)
    ]
    assert [len(each) / len(names) for each in chosen] == pytest.approx([0, 0.2, 0.5], abs=0.02)
    assert chosen[1] < chosen[2]
    assert all(is_in_experiment("forest", name, 100) for name in names)
    other = {name for name in names if is_in_experiment("learned", name, 50)}
    assert len(other & chosen[2]) / len(names) == pytest.approx(0.25, abs=0.02)
