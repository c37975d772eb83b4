"""What of a batch is new: accounts, identifiers and relationships that the graph may not have.

Counters can wait; a new pair, or a use that moves to a younger age class, is what links are made
of and goes to the graph at once. Writing structure twice changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graph.times import HOUR_MS, age_class
from ingest.batches import Accepted, Identified
from ingest.counters import Counters, between, is_between_accounts

Row = list[Any]

#: pairs remembered, in each of two generations; 80 bytes each, one more and a dict would double
_GENERATION = 340_000


class KnownPairs:
    """Which accounts and pairs the graph has, and in which hour each was last seen there.

    A memory with a bound: what was forgotten is written once more, which changes nothing. Pairs are
    kept by a 64-bit hash; two that collide, or a pair that was deleted meanwhile, are found out
    when their counters are written, and then everything is forgotten.
    """

    def __init__(self, generation: int = _GENERATION) -> None:
        self._generation = generation
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}
        # one object an hour instead of one a pair
        self._hours: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def forget(self) -> None:
        """Know nothing."""
        self._young, self._old, self._hours = {}, {}, {}

    def is_news(self, pair: tuple[str, ...], at: int, now: int) -> bool:
        """Whether the graph lacks this pair, or has it in an older age class; it will have it.

        `at` and `now` in milliseconds since 1970.
        """
        name = hash(pair)
        hour = at // HOUR_MS
        last = self._young.get(name)
        if last is None:
            last = self._old.pop(name, None)
            self._remember(name, hour if last is None else max(last, hour))
            return last is None or _is_younger(hour, last, now)
        if hour <= last:
            return False
        self._young[name] = self._hours.setdefault(hour, hour)
        return _is_younger(hour, last, now)

    def _remember(self, name: int, hour: int) -> None:
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, {}
        self._young[name] = self._hours.setdefault(hour, hour)


def _is_younger(hour: int, last: int, now: int) -> bool:
    age = now - last * HOUR_MS
    return age_class(age) > 0 and age_class(now - hour * HOUR_MS) < age_class(age)


@dataclass(slots=True)
class Structure:
    """The news of a batch, as rows for the statements, counters at zero."""

    #: [id, 0, first seen, last seen]; no times for a counterparty that never acted
    accounts: dict[str, Row] = field(default_factory=dict)
    identifiers: dict[str, Identified] = field(default_factory=dict)
    #: [account id, identifier key, 0, first seen, last seen]
    uses: dict[tuple[str, str], Row] = field(default_factory=dict)
    #: [payer, payee, currency, 0, 0, first seen, last seen]
    transfers: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    #: [referrer, referred, 0, first seen]
    referrals: dict[tuple[str, str], Row] = field(default_factory=dict)
    #: pairs looked at, new or not
    pairs: int = 0

    @property
    def is_mostly_new(self) -> bool:
        """Whether writing the counters along costs less than writing them later."""
        news = len(self.uses) + len(self.transfers) + len(self.referrals)
        # a new pair costs one write less, a known one is folded less
        return 3 * news > self.pairs

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.accounts or self.uses or self.transfers or self.referrals)

    def account_ids(self) -> set[str]:
        """Every account that something new happened to."""
        ids = set(self.accounts)
        ids.update(account_id for account_id, _ in self.uses)
        for pairs in (self.transfers, self.referrals):
            for account_id, other, *_ in pairs:
                ids.update((account_id, other))
        return ids


def fold(
    events: Iterable[Accepted], counters: Counters, known: KnownPairs, now: int, found: Structure
) -> None:
    """Add events to the counters that wait, and what the graph may lack of them to `found`.

    `now` is the greatest time accepted so far, milliseconds.
    """
    for accepted in events:
        account_id, at = accepted.event.account_id, accepted.at
        is_first, identifiers = counters.add(accepted)
        if (is_first and known.is_news((account_id,), at, now)) or account_id in found.accounts:
            _widen(found.accounts.setdefault(account_id, [account_id, 0, at, at]), 2, at)
        found.pairs += len(accepted.identifiers)
        for identifier in identifiers:
            pair = (account_id, identifier.key)
            if known.is_news(pair, at, now) or pair in found.uses:
                found.identifiers[identifier.key] = identifier
                _widen(found.uses.setdefault(pair, [*pair, 0, at, at]), 3, at)
        if is_between_accounts(accepted):
            counters.add_between(accepted)
            _find_between(accepted, known, now, found)


def _find_between(accepted: Accepted, known: KnownPairs, now: int, found: Structure) -> None:
    at, ends = accepted.at, between(accepted)
    if known.is_news((ends[1],), 0, 0):
        found.accounts.setdefault(ends[1], [ends[1], 0, None, None])
    found.pairs += 1
    if accepted.event.type == "referral":
        pair = ends[:2]
        if known.is_news((*pair, "", ""), at, now) or pair in found.referrals:
            row = found.referrals.setdefault(pair, [*pair, 0, at])
            row[3] = min(row[3], at)
    elif known.is_news(ends, at, now) or ends in found.transfers:
        _widen(found.transfers.setdefault(ends, [*ends, 0, 0, at, at]), 5, at)


def _widen(row: Row, position: int, at: int) -> None:
    """Have the [first seen, last seen] that begin at `position` include an instant."""
    first, last = row[position], row[position + 1]
    row[position] = at if first is None or at < first else first
    row[position + 1] = at if last is None or at > last else last
