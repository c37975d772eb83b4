"""What waits to be counted: events folded to the pairs they touch.

The rows are plain lists in the order that the statements read them, and go to the server as they
are: there are hundreds of thousands of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graph.model import MAX_MICROS, NO_CURRENCY
from graph.times import AGE_CLASS_DAYS, DAY_MS
from ingest.batches import Accepted, Identified
from ingest.quality import Counts

#: uses closer together than this never change their class without being older than it
CLASS_MS = AGE_CLASS_DAYS[0] * DAY_MS

Row = list[Any]


@dataclass(slots=True)
class Counters:
    """The counters of one partition that the graph does not have yet.

    The order in which events are added makes no difference.
    """

    #: account id to [id, event count, first seen, last seen, uses]; uses are identifier key to
    #: [event count, first seen, last seen]
    accounts: dict[str, Row] = field(default_factory=dict)
    #: [payer, payee, currency, event count, micros, first seen, last seen]
    transfers: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    #: [referrer, referred, event count, first seen]
    referrals: dict[tuple[str, str], Row] = field(default_factory=dict)
    quality: Counts = field(default_factory=dict)
    #: pairs and accounts that wait
    size: int = 0

    def add(self, accepted: Accepted) -> tuple[bool, list[Identified]]:
        """Count one event.

        Returns whether its account was not waiting before, and which of its identifiers were not
        with this account: only they may be news to the graph.
        """
        event, at = accepted.event, accepted.at
        account = self.accounts.get(event.account_id)
        if account is None:
            uses = {each.key: [1, at, at] for each in accepted.identifiers}
            self.accounts[event.account_id] = [event.account_id, 1, at, at, uses]
            self.size += 1 + len(uses)
            return True, accepted.identifiers
        _count(account, 1, at)
        uses, others = account[4], []
        for identifier in accepted.identifiers:
            use = uses.get(identifier.key)
            if use is None:
                uses[identifier.key] = [1, at, at]
                self.size += 1
                others.append(identifier)
            else:
                # so far apart, the two may fall into different age classes
                if at - use[2] > CLASS_MS:
                    others.append(identifier)
                _count(use, 0, at)
        return False, others

    def add_between(self, accepted: Accepted) -> None:
        """Count what an event did with another account."""
        event, at = accepted.event, accepted.at
        ends = between(accepted)
        if event.type == "referral":
            referral = self.referrals.setdefault(ends[:2], [*ends[:2], 0, at])
            referral[2] += 1
            referral[3] = min(referral[3], at)
            return
        transfer = self.transfers.setdefault(ends, [*ends, 0, 0, at, at])
        transfer[3] += 1
        transfer[4] = min(transfer[4] + (accepted.micros or 0), MAX_MICROS)
        transfer[5] = min(transfer[5], at)
        transfer[6] = max(transfer[6], at)

    def uses(self) -> Iterator[Row]:
        """[account id, identifier key, event count, first seen, last seen]."""
        for account_id, account in self.accounts.items():
            for key, use in account[4].items():
                yield [account_id, key, *use]


def is_between_accounts(accepted: Accepted) -> bool:
    """Whether the event has another account than its own on the other side."""
    other = accepted.event.counterparty_account_id
    return other is not None and other != accepted.event.account_id


def between(accepted: Accepted) -> tuple[str, str, str]:
    """Its account, the other one and the currency."""
    event = accepted.event
    return event.account_id, event.counterparty_account_id or "", event.currency or NO_CURRENCY


def _count(row: Row, position: int, at: int) -> None:
    """Add an event to the [event count, first seen, last seen] that begin at `position`."""
    row[position] += 1
    if at < row[position + 1]:
        row[position + 1] = at
    elif at > row[position + 2]:
        row[position + 2] = at
