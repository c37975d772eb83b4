import dataclasses

import msgspec
import pytest

from detection.alerts import MAX_NAMED, messages, raise_alerts
from detection.calibration import Calibration, Source
from detection.rings import Dismissal, KnownRing
from detection.settings import DetectionSettings
from graph.model import Alert, Reason, Ring, RingIdentifier, RingStatus, RiskLevel

NOW = 1_700_000_000_000
SETTINGS = DetectionSettings(alert_level=RiskLevel.HIGH, digest_above=20)
LIMIT = 20_000
#: a hundred benign rings of no points at all
LENIENT = Calibration((100, *[0] * 100), (100, *[0] * 100), Source.SIMULATED)


def ring(ring_id: str = "R", level: RiskLevel = RiskLevel.HIGH, accounts: int = 3) -> Ring:
    return Ring(
        ring_id,
        RingStatus.OPEN,
        60,
        level,
        tuple(f"account-{n:05}" for n in range(accounts)),
        (RingIdentifier("device", "device:d", 3),),
        (Reason("shared_device", "3 of 3 members", 60, ("device:d",)),),
        NOW - 1000,
        NOW,
    )


def before(alerted: RiskLevel | None, count: int) -> dict[str, KnownRing]:
    return {"R": KnownRing("R", 60, RiskLevel.HIGH, alerted, count, {})}


def raised(found: Ring, known: dict[str, KnownRing]) -> list[Alert]:
    return raise_alerts([found], known, SETTINGS, NOW, "v1", LENIENT)


def size(message) -> int:
    return len(msgspec.json.encode(message.body))


@pytest.mark.parametrize("level", list(RiskLevel))
def test_a_ring_alerts_from_the_alert_level_on(level):
    alerts = raised(ring(level=level), {})
    assert len(alerts) == (level in (RiskLevel.HIGH, RiskLevel.CRITICAL))


def test_an_alert_is_the_first_of_its_ring():
    (alert,) = raised(ring(), {})
    assert alert == Alert("R-1", "R", NOW, 60, RiskLevel.HIGH, 1, "v1", "not calibrated")


def test_a_known_ring_that_never_alerted_alerts():
    assert [a.sequence for a in raised(ring(), before(None, 0))] == [1]


def test_the_same_level_does_not_alert_again():
    assert raised(ring(), before(RiskLevel.HIGH, 1)) == []
    assert raised(ring(), before(RiskLevel.CRITICAL, 2)) == []


def test_a_rise_in_level_alerts_again():
    (alert,) = raised(ring(level=RiskLevel.CRITICAL), before(RiskLevel.HIGH, 1))
    assert (alert.alert_id, alert.sequence, alert.risk_level) == ("R-2", 2, RiskLevel.CRITICAL)


@pytest.mark.parametrize(
    ("joined", "level", "alerts"),
    [
        (0, RiskLevel.HIGH, 0),
        (3, RiskLevel.HIGH, 0),
        (4, RiskLevel.HIGH, 1),
        (0, RiskLevel.CRITICAL, 1),
        (4, RiskLevel.MEDIUM, 0),
    ],
)
def test_a_dismissed_ring_is_quiet_until_it_is_another(joined, level, alerts):
    members = frozenset(f"account-{n:05}" for n in range(12))
    said = Dismissal(members, RiskLevel.HIGH, 1)
    (known,) = before(RiskLevel.HIGH, 1).values()
    found = ring(level=level, accounts=12 + joined)
    quiet = {"R": dataclasses.replace(known, dismissal=said)}
    assert [alert.sequence for alert in raised(found, quiet)] == [2] * alerts
    # and once it has alerted again, as any other
    again = dataclasses.replace(known, dismissal=said, alerted_level=level, alert_count=2)
    assert raised(found, {"R": again}) == []


def test_a_dismissal_never_makes_a_ring_louder():
    said = Dismissal(frozenset(ring().account_ids), RiskLevel.MEDIUM, 1)
    (known,) = before(RiskLevel.HIGH, 1).values()
    assert raised(ring(), {"R": dataclasses.replace(known, dismissal=said)}) == []


def test_who_left_a_dismissed_ring_changes_it_too():
    members = frozenset(f"account-{n:05}" for n in range(4))
    (known,) = before(None, 0).values()
    dismissal = Dismissal(members, RiskLevel.HIGH, 0)
    quiet = {"R": dataclasses.replace(known, dismissal=dismissal)}
    assert raised(ring(accounts=4), quiet) == []
    assert len(raised(ring(accounts=3), quiet)) == 1


def many(count: int) -> tuple[list[Alert], list[Ring]]:
    rings = [dataclasses.replace(ring(f"R{n:04}"), risk_score=50 + n % 40) for n in range(count)]
    return raise_alerts(rings, {}, SETTINGS, NOW, "v1", LENIENT), rings


def test_up_to_the_limit_each_alert_is_a_message():
    found = messages(*many(20), SETTINGS, "run-1")
    assert [message.event_type for message in found] == ["ring.alerted"] * 20
    assert len({message.id for message in found}) == 20


def test_above_the_limit_one_digest_goes_out():
    (message,) = messages(*many(21), SETTINGS, "run-1")
    assert message.event_type == message.body["type"] == "rings.digest"
    assert message.body["data"]["ring_count"] == 21
    assert len(message.body["data"]["rings"]) == 21


def test_a_digest_of_a_first_pass_names_the_worst_and_stays_small():
    (message,) = messages(*many(3_000), SETTINGS, "run-1")
    scores = [each["risk_score"] for each in message.body["data"]["rings"]]
    assert message.body["data"]["ring_count"] == 3_000
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 89
    assert size(message) < LIMIT


def test_no_alerts_are_no_messages():
    assert messages([], [], SETTINGS, "run-1") == []
    assert messages([], [], DetectionSettings(digest_above=0), "run-1") == []


def test_a_message_stands_alone():
    found = ring()
    (message,) = messages(raised(found, {}), [found], SETTINGS, "run-1")
    data = message.body["data"]
    assert message.id == "msg_R-1"
    assert message.body["type"] == "ring.alerted"
    assert message.body["timestamp"] == "2023-11-14T22:13:20Z"
    assert data["account_ids"] == list(found.account_ids)
    assert data["identifiers"] == [{"kind": "device", "key": "device:d", "account_count": 3}]
    assert data["reasons"] == [{"code": "shared_device", "text": "3 of 3 members", "points": 60}]
    assert (data["ring_id"], data["sequence"], data["size"]) == ("R", 1, 3)
    assert (data["risk_score"], data["risk_level"]) == (60, "high")
    assert data["caused_by"] == {"at": "2023-11-14T22:13:20Z"}


def test_a_ring_of_5000_accounts_is_named_in_part_and_stays_small():
    found = ring(accounts=5_000)
    (message,) = messages(raised(found, {}), [found], SETTINGS, "run-1")
    assert message.body["data"]["size"] == 5_000
    assert message.body["data"]["account_ids"] == list(found.account_ids[:MAX_NAMED])
    assert size(message) < LIMIT


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", '"'])
def test_ids_of_any_length_and_script_stay_small(letter):
    long = letter * 500
    found = dataclasses.replace(
        ring(),
        account_ids=tuple(f"{n:05}{long}" for n in range(5_000)),
        identifiers=tuple(RingIdentifier("email", f"email:{n}{long}", 3) for n in range(500)),
        reasons=tuple(Reason(f"rule_{n}", long * 3, 5) for n in range(30)),
    )
    (message,) = messages(raised(found, {}), [found], SETTINGS, "run-1")
    data = message.body["data"]
    assert size(message) < LIMIT
    assert data["account_ids"]
    assert data["identifiers"]
    assert data["reasons"]
