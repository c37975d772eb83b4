"""Traffic as on a public chain: wallets without any identifier, exchanges on a deny list.

`python -m tests.benchmarks.sybil_generator --seed S --out FILE --truth FILE --deny-list FILE`. No
code and no figure of it comes from `ringtrace simulate`. Ordinary wallets get their first money
from an exchange, use popular contracts, now and then pay somebody they know, and one in eight
belongs to somebody with two to four. Operators of many wallets fill them in seven shapes:

star        one wallet fills all within the hour, each pays back to it or to an exchange later
slow_star   one wallet fills one after the other over days
chain       the money goes from each wallet to the next, and leaves some behind
tree        each wallet fills two or three
gather      an exchange fills all, each pays to one wallet in the end
round       as a chain, and the last pays the first
crowd       an exchange fills all and gets all back: they use the same contracts within minutes
"""

import argparse
import csv
import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

DAYS, DAY_MS = 60, 86_400_000
START_MS = 1_700_000_000_000
SHAPES = ("star", "slow_star", "chain", "tree", "gather", "round", "crowd")
#: rings of each shape for 20,000 wallets
RINGS = 8
EXCHANGES, CONTRACTS = 12, 400


@dataclass
class Traffic:
    """Events as they are made, and who belongs together."""

    random: np.random.Generator
    #: day, wallet, other wallet or None, contract or None, amount or None
    events: list[tuple[float, str, str | None, str | None, float | None]] = field(
        default_factory=list
    )
    ring_of: dict[str, str] = field(default_factory=dict)

    def wallet(self) -> str:
        """A new one, whose name says nothing."""
        return f"0x{self.random.bytes(20).hex()}"

    def pay(self, day: float, payer: str, payee: str, amount: float) -> None:
        self.events.append((day, payer, payee, None, amount))

    def use(self, day: float, wallet: str, contract: str) -> None:
        self.events.append((day, wallet, None, contract, None))

    def amount(self, median: float) -> float:
        return float(median * self.random.lognormal(0, 0.8))


class World:
    """One world; `make` fills it."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.traffic = Traffic(self.random)
        self.exchanges = [self.traffic.wallet() for _ in range(EXCHANGES)]
        self.contracts = [f"contract-{n}" for n in range(CONTRACTS)]
        self.exchange_shares = self.random.dirichlet(np.full(EXCHANGES, 0.7))

    def make(self, wallets: int) -> Traffic:
        """Ordinary wallets first, then rings, then who pays whom across."""
        ordinary = [self.traffic.wallet() for _ in range(wallets)]
        born = dict(zip(ordinary, self.random.uniform(0, DAYS - 5, wallets).tolist(), strict=True))
        for wallet, day in born.items():
            self._live(wallet, day)
        self._own_several(born)
        self._know_each_other(born)
        for shape in SHAPES:
            for number in range(max(1, RINGS * wallets // 20_000)):
                self._ring(shape, f"{shape}-{number}", ordinary)
        return self.traffic

    def _exchange(self) -> str:
        return str(self.random.choice(self.exchanges, p=self.exchange_shares))

    def _contract(self) -> str:
        """The n-th is chosen n times as rarely as the first."""
        return self.contracts[int(CONTRACTS ** self.random.random()) - 1]

    def _live(self, wallet: str, born: float, first: float = 0.3) -> None:
        """Money from an exchange, contracts now and then, some of it back."""
        self.traffic.pay(born, self._exchange(), wallet, self.traffic.amount(first))
        for day in self.random.uniform(born, DAYS, self.random.geometric(0.12)):
            self.traffic.use(float(day), wallet, self._contract())
        for day in self.random.uniform(born + 1, DAYS, self.random.poisson(0.7)):
            self.traffic.pay(float(day), wallet, self._exchange(), self.traffic.amount(first / 2))

    def _own_several(self, born: dict[str, float]) -> None:
        """Neighbours in the list belong to one person, who moves money between them."""
        ordinary, place = list(born), 0
        while place < len(ordinary) // 8:
            own = ordinary[place : place + int(self.random.integers(2, 5))]
            place += len(own)
            for _ in range(len(own) + int(self.random.poisson(2))):
                one, other = self.random.choice(own, 2, replace=False)
                day = float(self.random.uniform(max(born[one], born[other]), DAYS))
                self.traffic.pay(day, str(one), str(other), self.traffic.amount(0.1))

    def _know_each_other(self, born: dict[str, float]) -> None:
        """One in four pays others; some are paid by many: artists, desks, collectors of a party."""
        ordinary = list(born)
        weight = self.random.pareto(1.3, len(ordinary)) + 0.2
        payers = self.random.choice(ordinary, len(ordinary) // 4)
        payers = np.repeat(payers, self.random.geometric(0.5, len(payers)))
        payees = self.random.choice(ordinary, len(payers), p=weight / weight.sum())
        for payer, payee in zip(payers.tolist(), payees.tolist(), strict=True):
            if payee != payer:
                day = float(self.random.uniform(max(born[payer], born[payee]), DAYS))
                self.traffic.pay(day, payer, payee, self.traffic.amount(0.05))

    def _ring(self, shape: str, name: str, ordinary: list[str]) -> None:
        size = int(self.random.integers(6, 41))
        members = [self.traffic.wallet() for _ in range(size)]
        self.traffic.ring_of |= dict.fromkeys(members, name)
        begin = float(self.random.uniform(2, DAYS - 35))
        amount = self.traffic.amount(0.05)
        filled = getattr(self, f"_{shape}")(members, begin, amount)
        campaign = [self._contract() for _ in range(int(self.random.integers(3, 8)))]
        spread = 0.004 if shape == "crowd" else float(self.random.choice([0.1, 1.0, 4.0]))
        starts = max(filled.values()) + 1 + np.sort(self.random.uniform(0, 12, len(campaign)))
        for start, contract in zip(starts.tolist(), campaign, strict=True):
            for wallet in members:
                if self.random.random() < 0.8:
                    self.traffic.use(
                        start + float(self.random.uniform(0, spread)), wallet, contract
                    )
        for wallet in members:
            # operators pay out a friend, or use a wallet for something else
            if self.random.random() < 0.05:
                day = float(self.random.uniform(begin, DAYS))
                self.traffic.pay(day, wallet, str(self.random.choice(ordinary)), amount / 3)

    def _near(self, amount: float) -> float:
        return amount * float(self.random.uniform(0.85, 1.15))

    def _star(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        return self._from_one(members, begin, amount, 0.03)

    def _slow_star(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        return self._from_one(members, begin, amount, float(self.random.uniform(3, 14)))

    def _from_one(
        self, members: list[str], begin: float, amount: float, spread: float
    ) -> dict[str, float]:
        first, *rest = members
        self.traffic.pay(begin, self._exchange(), first, amount * len(members) * 1.1)
        days = begin + 0.02 + np.sort(self.random.uniform(0, spread, len(rest)))
        back = first if self.random.random() < 0.4 else self._exchange()
        for wallet, day in zip(rest, days.tolist(), strict=True):
            self.traffic.pay(day, first, wallet, self._near(amount))
            later = begin + spread + 15 + float(self.random.uniform(0, 3))
            self.traffic.pay(later, wallet, back, self._near(amount * 0.7))
        return dict(zip(members, [begin, *days.tolist()], strict=True))

    def _chain(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        gap = float(self.random.choice([0.01, 0.1, 0.5]))
        left, day = amount * len(members), begin
        self.traffic.pay(day, self._exchange(), members[0], left)
        filled = {members[0]: day}
        for one, other in pairwise(members):
            day += float(self.random.uniform(0.2, 1.8)) * gap
            left -= self._near(amount) * 0.8
            self.traffic.pay(day, one, other, left)
            filled[other] = day
        return filled

    def _round(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        filled = self._chain(members, begin, amount)
        self.traffic.pay(max(filled.values()) + 12, members[-1], members[0], amount * 0.1)
        return filled

    def _tree(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        branches = int(self.random.integers(2, 4))
        self.traffic.pay(begin, self._exchange(), members[0], amount * len(members))
        filled = {members[0]: begin}
        for place, wallet in enumerate(members[1:], 1):
            parent = members[(place - 1) // branches]
            filled[wallet] = filled[parent] + float(self.random.uniform(0.01, 0.6))
            self.traffic.pay(filled[wallet], parent, wallet, self._near(amount) * 3)
        return filled

    def _gather(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        filled = self._from_exchange(members, begin, amount)
        first, *rest = members
        for wallet in rest:
            day = begin + 20 + float(self.random.uniform(0, 3))
            self.traffic.pay(day, wallet, first, self._near(amount * 0.8))
        self.traffic.pay(begin + 24, first, self._exchange(), amount * len(rest) * 0.75)
        return filled

    def _crowd(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        filled = self._from_exchange(members, begin, amount)
        for wallet in members:
            day = begin + 20 + float(self.random.uniform(0, 3))
            self.traffic.pay(day, wallet, self._exchange(), self._near(amount * 0.8))
        return filled

    def _from_exchange(self, members: list[str], begin: float, amount: float) -> dict[str, float]:
        exchange = self._exchange()
        filled = {wallet: begin + float(self.random.uniform(0, 3)) for wallet in members}
        for wallet, day in filled.items():
            self.traffic.pay(day, exchange, wallet, self._near(amount))
        return filled


def write(world: World, wallets: int, out: Path, truth: Path, deny_list: Path) -> None:
    """Events by time, a truth file of all wallets, and the exchanges."""
    traffic = world.make(wallets)
    present = set()
    with out.open("w") as file:
        for number, (day, wallet, other, contract, amount) in enumerate(
            sorted(traffic.events, key=lambda event: event[0])
        ):
            event = {
                "event_id": f"tx-{number}",
                "type": "transfer" if other else "interaction",
                "occurred_at": START_MS + round(day * DAY_MS),
                "account_id": wallet,
                "counterparty_account_id": other,
                "target_id": contract,
                "amount": amount and f"{max(amount, 1e-6):.6f}",
                "currency": amount and "ETH",
            }
            present |= {wallet, other} - {None}
            print(json.dumps({k: v for k, v in event.items() if v is not None}), file=file)
    with truth.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["account_id", "label", "ring_id"])
        for wallet in sorted(present - set(world.exchanges)):
            ring = traffic.ring_of.get(wallet, "")
            rows.writerow([wallet, int(bool(ring)), ring])
    deny_list.write_text("".join(f"account:{wallet}\n" for wallet in world.exchanges))


def main() -> None:
    """Write a world's files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--wallets", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    for name in ("--out", "--truth", "--deny-list"):
        parser.add_argument(name, type=Path, required=True)
    wanted = parser.parse_args()
    write(World(wanted.seed), wanted.wallets, wanted.out, wanted.truth, wanted.deny_list)


if __name__ == "__main__":
    main()
