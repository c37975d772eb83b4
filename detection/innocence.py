"""What speaks for a ring: the best innocent reading, and on how few links the case rests."""

from dataclasses import replace
from itertools import combinations

from detection.evidence import RingEvidence
from detection.risk import score
from detection.shared import TieKind
from graph.model import Reason

#: identifiers of which pairs are tried: with more, pairs among those that matter most
_TRIED = 12

_READINGS = {
    "payment_instrument": "a family or a small company may pay with one card",
    "device": "a family, a shop or a workplace may share a device",
    "email": "one person may keep several accounts under one e-mail address",
    "phone": "a family may give one telephone number",
}
_OF_TIES = {
    TieKind.COACTED: "people who follow the same things, or work one shift, act at the same times",
    TieKind.TRANSFERRED: "friends and families send each other money back and forth",
    TieKind.REFERRED: "friends refer each other",
}


def innocent_reading(evidence: RingEvidence, reasons: tuple[Reason, ...]) -> str:
    """The best innocent explanation and what speaks against it most, in one sentence."""
    mitigating = [reason for reason in reasons if reason.points < 0]
    if mitigating:
        reading = min(mitigating, key=lambda reason: (reason.points, reason.code)).text
    else:
        reading = _usual_reading(evidence)
    against = [reason for reason in reasons if reason.points > 0]
    if not against:
        return f"{reading}; nothing speaks against it"
    worst = max(against, key=lambda reason: (reason.points, reason.code))
    return f"{reading}; against it: {worst.text}"


def fewest_links(evidence: RingEvidence, threshold: int) -> tuple[str, ...]:
    """The fewest identifiers (and `account:…` for its direct ties) without which it is no case.

    Without them the score is under `threshold`; empty when it is already, or when nothing that is
    shared carries it. One or two are the fewest there are; of more, those are taken away one after
    the other that lower the score most, so that there may be a smaller set.
    """
    if _points(evidence) < threshold:
        return ()
    keys = sorted({v.key for v in evidence.identifiers} | _tied(evidence))
    alone = {key: _points(_without(evidence, {key})) for key in keys}
    keys.sort(key=lambda key: (alone[key], key))
    if keys and alone[keys[0]] < threshold:
        return (keys[0],)
    pairs = list(combinations(keys[:_TRIED], 2))
    best = min(pairs, key=lambda pair: (_points(_without(evidence, set(pair))), pair), default=())
    taken = set(best)
    while taken and _points(_without(evidence, taken)) >= threshold:
        left = [key for key in keys if key not in taken]
        if not left:
            return ()
        taken.add(min(left, key=lambda key: (_points(_without(evidence, taken | {key})), key)))
    return tuple(sorted(taken))


def _usual_reading(evidence: RingEvidence) -> str:
    for value in evidence.identifiers:
        if value.kind in _READINGS:
            return _READINGS[value.kind]
    if evidence.identifiers:
        return "colleagues, neighbours and guests share an address or a network"
    kinds = sorted({tie.kind for tie in evidence.ties}, reverse=True)
    return _OF_TIES.get(kinds[0], "") if kinds else "they may have nothing to do with each other"


def _points(evidence: RingEvidence) -> int:
    if len(evidence.account_ids) < 2:
        return 0
    return sum(reason.points for reason in score(evidence))


def _tied(evidence: RingEvidence) -> set[str]:
    return {
        f"account:{account_id}" for tie in evidence.ties for account_id in (tie.source, tie.target)
    }


def _without(evidence: RingEvidence, keys: set[str]) -> RingEvidence:
    """The case as it were if nobody had used these identifiers, or been tied to these accounts."""
    identifiers = [value for value in evidence.identifiers if value.key not in keys]
    gone = {key.removeprefix("account:") for key in keys if key.startswith("account:")}
    ties = [tie for tie in evidence.ties if gone.isdisjoint((tie.source, tie.target))]
    left = {a for value in identifiers for a in value.account_ids}
    left |= {a for tie in ties for a in (tie.source, tie.target)}
    findings = [
        finding
        for finding in evidence.findings
        if finding.identifier_key not in keys
        and (finding.identifier_key or gone.isdisjoint(finding.account_ids))
    ]
    return replace(
        evidence,
        account_ids=tuple(a for a in evidence.account_ids if a in left),
        identifiers=tuple(identifiers),
        ties=tuple(ties),
        findings=tuple(findings),
    )
