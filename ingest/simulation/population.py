"""The accounts of a simulation and where they live, work and travel.

Neighbours have neighbouring numbers: households make up towns and towns countries. The numbers
leave this package as keyed hashes only.
"""

from typing import Any

import numpy as np

from graph.times import DAY_MS
from ingest.simulation.countries import COUNTRIES
from ingest.simulation.draws import Bits, Draws, Floats, Ints, Mask
from ingest.simulation.scenario import Simulation

#: accounts that share a mobile carrier's addresses, kiosks and public wifi
TOWN = 4000
NONE = -1

_HOUSEHOLD_SIZES = (0.42, 0.27, 0.14, 0.11, 0.06)
_OFFICE_WORKERS = 0.3
_OFFICE_SIZES = (20, 300)
#: of the log of an account's activity; the busiest hundredth is 9 times as busy as the mean
_ACTIVITY_SIGMA = 1.3
#: days between one phone and the next
_PHONE_DAYS = 800
#: phones that somebody else uses after a while, and of all accounts however short one looks
_RESOLD = 0.1
_RESOLD_ANYWAY = 0.004
_NEW_ACCOUNTS_A_DAY = 0.004
_ACQUAINTANCES = 6


class Population:
    """All accounts by number, 0 to accounts - 1, in about 40 bytes each.

    Times are milliseconds after the start of the simulation, negative before it.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.size = simulation.accounts
        #: milliseconds since 1970 UTC
        self.start = simulation.start
        self.length = simulation.length
        self.draws: Draws = simulation.draws
        self.town_size = min(TOWN, self.size)
        random = self.draws.generator("population")
        #: first account of each household, and the number of accounts
        self._homes = self._households(random)
        self.household_of = np.repeat(
            np.arange(len(self._homes) - 1, dtype=np.int32), np.diff(self._homes)
        )
        #: first account of each country
        self.borders = self._borders()
        self.office_of = self._offices(random)
        self.joined = self._joined(random, simulation.days)
        activity = random.lognormal(-(_ACTIVITY_SIGMA**2) / 2, _ACTIVITY_SIGMA, self.size)
        #: activity of an account and all before it; the mean account has 1
        self.activity: Floats = np.cumsum(activity * (self.size / activity.sum()))
        self.new_phone, self.sold_by = self._phones(random)

    def account_ids(self, account: Any) -> Bits:
        """What the world calls them; no two are the same."""
        return self.draws.bits("account", account)

    def town(self, account: Any) -> Ints:
        """Number of the town."""
        town: Ints = np.asarray(account) // self.town_size
        return town

    def country(self, account: Any) -> Ints:
        """Index into COUNTRIES."""
        country: Ints = np.searchsorted(self.borders, account, side="right") - 1
        return country

    def household_size(self, account: Any) -> Ints:
        """Accounts at home there."""
        household = self.household_of[account]
        size: Ints = self._homes[household + 1] - self._homes[household]
        return size

    def acquaintance(self, account: Any, number: Any) -> Ints:
        """One of the few accounts somebody deals with; mostly they live near."""
        far = self.draws.share("acquaintance", account, np.asarray(number) % _ACQUAINTANCES)
        step = 1 + (min(2000, self.size // 4) * far**3).astype(np.int64)
        step *= 1 - 2 * (self.draws.bits("direction", account, number) & np.uint64(1)).astype(int)
        other = np.asarray(account) + step
        return np.where((other < 0) | (other >= self.size), account - step, other)

    def phone(self, account: Any, at: Any) -> Bits:
        """The device an account mostly uses."""
        since = np.atleast_1d(at) - self.new_phone[account]
        generation = np.where(since < 0, 0, 1 + since // (_PHONE_DAYS * DAY_MS))
        seller = self.sold_by[account]
        bought = (generation == 1) & (seller != NONE)
        return self.draws.bits(
            "phone", np.where(bought, seller, account), np.where(bought, 0, generation)
        )

    def _households(self, random: np.random.Generator) -> Ints:
        sizes = random.choice(np.arange(1, 6), self.size, p=_HOUSEHOLD_SIZES)
        first = np.concatenate([[0], np.cumsum(sizes)])
        return np.append(first[first < self.size], self.size)

    def _borders(self) -> Ints:
        shares = np.cumsum([0.0, *(country.share for country in COUNTRIES[:-1])])
        return self._homes[np.searchsorted(self._homes, np.round(shares * self.size))]

    def _offices(self, random: np.random.Generator) -> Any:
        """Office of each account or NONE; colleagues live in one town, not in one house."""
        workers = np.flatnonzero(random.random(self.size) < _OFFICE_WORKERS)
        workers = workers[np.lexsort((random.random(len(workers)), self.town(workers)))]
        smallest, largest = _OFFICE_SIZES
        drawn = smallest * (1 - random.random(len(workers) // smallest + 1)) ** -0.7
        first = np.cumsum(np.minimum(drawn, largest).astype(np.int64))
        offices = np.full(self.size, NONE, np.int32)
        office = np.searchsorted(first, np.arange(len(workers)), side="right")
        # the last one may be cut short
        complete = (office < office[-1]) | ((office == office[-1]).sum() >= smallest)
        offices[workers[complete]] = office[complete]
        return offices

    def _joined(self, random: np.random.Generator, days: int) -> Ints:
        """When accounts were made: some while one looks, more the less long ago."""
        before = -(random.exponential(400 * DAY_MS, self.size)).astype(np.int64) - 1
        is_new: Mask = random.random(self.size) < min(0.5, _NEW_ACCOUNTS_A_DAY * days)
        during = (random.random(self.size) * self.length).astype(np.int64)
        return np.where(is_new, during, before)

    def _phones(self, random: np.random.Generator) -> tuple[Ints, Any]:
        """When each account gets its next phone, and from whom where it is a used one."""
        when = (random.random(self.size) * _PHONE_DAYS * DAY_MS).astype(np.int64)
        sold_by = np.full(self.size, NONE, np.int32)
        count = int(self.size * max(_RESOLD_ANYWAY, _RESOLD * self.length / (_PHONE_DAYS * DAY_MS)))
        sellers, buyers = random.permutation(self.size)[: 2 * count].reshape(2, count)
        sold_by[buyers] = sellers
        when[sellers] = (0.6 * self.length * random.random(count)).astype(np.int64)
        gap = 0.3 * min(self.length, 30 * DAY_MS) * random.random(count)
        when[buyers] = when[sellers] + gap.astype(np.int64)
        return when, sold_by
