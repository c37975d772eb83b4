"""A ring's risk score: points by reason that add up to it."""

import math
from collections import Counter, defaultdict
from itertools import pairwise

from detection.evidence import RingEvidence, SharedValue
from detection.projection import HANDOVER_MS
from detection.rules import rules
from detection.settings import DetectionSettings
from detection.shared import TieKind
from graph.model import Finding, Reason, RiskLevel
from graph.times import DAY_MS, HOUR_MS

MAX_SCORE = 100
#: most points for being large: of groups of 3 one in ten was a ring, of 13 to 40 nineteen in twenty
SIZE_POINTS = 25
#: most points for members tied in by several identifiers
TIES_POINTS = 15
#: most points for members that came to an identifier within the hour of another
TOGETHER_POINTS = 25
#: most points for members that acted in step more often than chance allows
IN_STEP_POINTS = 50
#: most points for members that began together: friends join together too, and no label that we have
#: says how often
BEGAN_POINTS = 15
#: a group as large as this is no family, whatever it shares
NO_FAMILY = 6
#: what living together does not explain
_NOT_FOR_FAMILIES = ("in_step", "money_going_round")
#: days that people of one home share its address at least
_HOME_DAYS = 3
#: addresses at which they meet, where it changes
_HOMES = 3
_OLD_DAYS = 90
#: share of the accounts at an address that came with a device that they share, from which the two
#: are one place
_SAME_PLACE = 0.8
#: share of the members up to which what they share or who they are tied to says nothing of the ring
_FEW = 0.2
#: accounts from which a device may stand in a public place
_PUBLIC = 20
#: what is shared is looked at as if it had been seen for a week at least
_WEEK_MS = 7 * DAY_MS


def score(evidence: RingEvidence) -> tuple[Reason, ...]:
    """Reasons whose points add up to a score of 0 to 100, strongest first.

    A rule gives its full points when it covers every member, and fewer for a group that could be a
    family. Innocent readings subtract, but never below 0; when more than 100 come together all
    positive reasons shrink alike.
    """
    places = _places(evidence)
    several = [_size(evidence), _ties(evidence, places), _together(evidence, places)]
    several += [_in_step(evidence), _began_together(evidence)]
    positive = _shrink([r for r in (*_rule_reasons(evidence), *several) if r.points])
    room = sum(reason.points for reason in positive)
    mitigating = []
    for reason in _innocent_readings(evidence, places, positive):
        points = max(reason.points, -room)
        room += points
        if points:
            mitigating.append(Reason(reason.code, reason.text, points, reason.evidence))
    return tuple(sorted((*positive, *mitigating), key=lambda r: (-r.points, r.code)))


def risk_level(points: int, settings: DetectionSettings) -> RiskLevel:
    """The band a score falls in."""
    if points >= settings.critical_score:
        return RiskLevel.CRITICAL
    if points >= settings.high_score:
        return RiskLevel.HIGH
    return RiskLevel.MEDIUM if points >= settings.medium_score else RiskLevel.LOW


def _rule_reasons(evidence: RingEvidence) -> list[Reason]:
    members = set(evidence.account_ids)
    hits: dict[str, list[Finding]] = defaultdict(list)
    for finding in evidence.findings:
        # a hit that reaches into the ring with one account only says nothing about the ring
        if len(members.intersection(finding.account_ids)) >= 2:
            hits[finding.rule].append(finding)
    return [_rule_reason(rule, hits[rule], members) for rule in sorted(hits)]


def _rule_reason(rule: str, hits: list[Finding], members: set[str]) -> Reason:
    covered = members.intersection(*[{a for hit in hits for a in hit.account_ids}])
    share = len(covered) / len(members)
    first = max(hits, key=lambda hit: (len(members.intersection(hit.account_ids)), hit.detail))
    if rules()[rule].subject == "identifier":
        share *= _beyond_family(len(members.intersection(first.account_ids)))
    elif first.identifier_key:
        share *= _beyond_family(len(covered))
    more = f", and {len(hits) - 1} more like it" if len(hits) > 1 else ""
    text = f"{len(covered)} of {len(members)} members: {first.detail}{more}"
    keys = {hit.identifier_key for hit in hits if hit.identifier_key}
    return Reason(rule, text, round(rules()[rule].points * share), _shown(keys, covered))


def _beyond_family(accounts: int) -> float:
    """How little a family would explain that so many share something, 0 to 1."""
    return min(1.0, max(0.0, (accounts - 2) / (NO_FAMILY - 2)))


def _size(evidence: RingEvidence) -> Reason:
    size = len(evidence.account_ids)
    points = round(SIZE_POINTS * (1 - math.exp(-(size - 2) / 5)))
    return Reason("size", f"{size} accounts hang together", points)


def _places(evidence: RingEvidence) -> list[SharedValue]:
    """What is shared, without the address that a shared device was first used from by most.

    A kiosk's device and its address are one thing that its visitors have in common, not two.
    """
    came = {
        (account_id, first_seen)
        for value in evidence.identifiers
        if value.connects
        for account_id, first_seen in zip(value.account_ids, value.first_seen, strict=True)
    }
    return [
        value
        for value in evidence.identifiers
        if value.connects
        or sum(use in came for use in zip(value.account_ids, value.first_seen, strict=True))
        < _SAME_PLACE * len(value.account_ids)
    ]


def _ties(evidence: RingEvidence, places: list[SharedValue]) -> Reason:
    ties: dict[str, int] = defaultdict(int)
    for value in places:
        for account_id in value.account_ids:
            ties[account_id] += 1
    several = {account_id for account_id, count in ties.items() if count >= 2}
    points = round(TIES_POINTS * len(several) / len(evidence.account_ids))
    text = f"{len(several)} of {len(evidence.account_ids)} members share two or more identifiers"
    return Reason("several_ties", text, points, _shown((), several))


def _together(evidence: RingEvidence, places: list[SharedValue]) -> Reason:
    """Members that came to an identifier in one sitting with another, more than by chance."""
    keys, together = set(), set()
    for value in places:
        came = sorted(zip(value.first_seen, value.account_ids, strict=True))
        near = {a for x, y in pairwise(came) if y[0] - x[0] <= HOUR_MS for a in (x[1], y[1])}
        span = max(max(value.last_seen) - came[0][0], _WEEK_MS)
        chance = 1 - (1 - 2 * HOUR_MS / span) ** (len(came) - 1)
        spread = math.sqrt(chance * (1 - chance) / len(came))
        if len(near) > len(came) * (chance + 2 * spread):
            keys.add(value.key)
            together |= near
    points = round(TOGETHER_POINTS * len(together) / len(evidence.account_ids))
    text = (
        f"{len(together)} of {len(evidence.account_ids)} members came to what they share within an "
        "hour of another"
    )
    return Reason("together_in_time", text, points, _shown(keys, together))


def _in_step(evidence: RingEvidence) -> Reason:
    says = "acted in step with another, more often than chance allows"
    return _tied_by(evidence, TieKind.COACTED, "in_step", IN_STEP_POINTS, says)


def _began_together(evidence: RingEvidence) -> Reason:
    says = "began at about the same time, with transfers to one another"
    return _tied_by(evidence, TieKind.BEGAN_WITH, "began_together", BEGAN_POINTS, says)


def _tied_by(evidence: RingEvidence, kind: TieKind, code: str, most: int, says: str) -> Reason:
    """At most so many points, for the share of the members that have such a tie."""
    ties = [tie for tie in evidence.ties if tie.kind is kind]
    tied = {account_id for tie in ties for account_id in (tie.source, tie.target)}
    points = round(most * len(tied) / len(evidence.account_ids))
    text = f"{len(tied)} of {len(evidence.account_ids)} members {says}"
    return Reason(code, text, points, _shown((), tied))


def _innocent_readings(
    evidence: RingEvidence, places: list[SharedValue], positive: list[Reason]
) -> list[Reason]:
    connecting = [value for value in evidence.identifiers if value.connects]
    readings = []
    if (only := _only(evidence, places)) is not None:
        text = "held by one identifier alone: a resold device or a family card would look the same"
        readings.append(Reason("single_identifier", text, -15, (only.key,)))
        if only.kind == "device" and len(only.account_ids) >= _PUBLIC:
            text = f"one device with {len(only.account_ids)} accounts: a kiosk would look the same"
            readings.append(Reason("public_device", text, -15, (only.key,)))
    if len(evidence.account_ids) < NO_FAMILY:
        readings += _household(evidence, positive)
    if connecting and all(_changed_hands(value) for value in connecting):
        text = "nobody used what is shared at the same time: it may have been sold on"
        keys = {value.key for value in connecting}
        readings.append(Reason("changed_hands", text, -15, _shown(keys, set())))
    return readings


def _only(evidence: RingEvidence, places: list[SharedValue]) -> SharedValue | None:
    """What the ring hangs on alone: hardly anybody in it shares more, or is tied directly."""
    places = sorted(places, key=lambda value: (-len(value.account_ids), value.key))
    if not places:
        return None
    size = len(evidence.account_ids)
    tied = {account_id for tie in evidence.ties for account_id in (tie.source, tie.target)}
    more = tied.union(*(value.account_ids for value in places[1:]))
    is_all = len(places) == 1 or len(places[0].account_ids) >= (1 - _FEW) * size
    return places[0] if is_all and len(more) <= _FEW * size else None


def _household(evidence: RingEvidence, positive: list[Reason]) -> list[Reason]:
    """People of one home share devices and cards, pay each other and come at the same time."""
    size = len(evidence.account_ids)
    homes, at_home = _homes(evidence)
    if at_home:
        explained = sum(r.points for r in positive if r.code not in _NOT_FOR_FAMILIES)
        text = f"{len(at_home)} of {size} accounts keep using the same addresses: a household"
        shown = _shown({value.key for value in homes}, at_home)
        return [Reason("household", text, -round(explained * len(at_home) / size), shown)]
    days = (evidence.last_seen - evidence.first_seen) // DAY_MS
    if days < _OLD_DAYS:
        return []
    text = f"{size} accounts that shared over {days} days: a household would look the same"
    return [Reason("household", text, -10, _shown({v.key for v in evidence.identifiers}, set()))]


def _homes(evidence: RingEvidence) -> tuple[list[SharedValue], set[str]]:
    """Places that few accounts come back to over days, as people of one home do, and who does.

    A home whose address changes is several: then who is at three of them with others, over days.
    """
    places = [
        value
        for value in evidence.identifiers
        if not value.connects and len(value.account_ids) < NO_FAMILY
    ]
    lasting = [value for value in places if _days([value]) >= _HOME_DAYS]
    if lasting:
        return lasting, {account_id for value in lasting for account_id in value.account_ids}
    if not places or _days(places) < _HOME_DAYS:
        return [], set()
    seen = Counter(account_id for value in places for account_id in value.account_ids)
    return places, {account_id for account_id, count in seen.items() if count >= _HOMES}


def _days(values: list[SharedValue]) -> float:
    """From the first to the last use of any."""
    first = min(min(value.first_seen) for value in values)
    return (max(max(value.last_seen) for value in values) - first) / DAY_MS


def _changed_hands(value: SharedValue) -> bool:
    spans = sorted(zip(value.first_seen, value.last_seen, strict=True))
    return all(later[0] - earlier[1] > HANDOVER_MS for earlier, later in pairwise(spans))


def _shown(keys: set[str] | tuple[()], account_ids: set[str]) -> tuple[str, ...]:
    return tuple(sorted({*keys, *(f"account:{account_id}" for account_id in account_ids)}))


def _shrink(reasons: list[Reason]) -> list[Reason]:
    total = sum(reason.points for reason in reasons)
    if total <= MAX_SCORE:
        return reasons
    exact = [reason.points * MAX_SCORE / total for reason in reasons]
    points = [math.floor(value) for value in exact]
    # largest remainders get the points that rounding down left over
    order = sorted(range(len(exact)), key=lambda n: (points[n] - exact[n], n))
    for number in order[: MAX_SCORE - sum(points)]:
        points[number] += 1
    shrunk = zip(reasons, points, strict=True)
    return [Reason(r.code, r.text, p, r.evidence) for r, p in shrunk if p]
