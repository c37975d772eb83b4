"""What a simulation is asked for."""

from dataclasses import dataclass
from functools import cached_property

from graph.errors import InputError
from graph.times import DAY_MS
from ingest.simulation.draws import Draws

#: Monday, 6 January 2025, 00:00 UTC
START = 1_736_121_600_000
#: below this there is no room for an office, a kiosk and households around the rings
FEWEST_ACCOUNTS = 100
#: above this ring members would find too few ordinary accounts to hide among
MOST_IN_RINGS = 0.2


@dataclass(frozen=True)
class Simulation:
    """A world of accounts and a stretch of its days; the same values give the same bytes.

    Raises InputError for what cannot be simulated.
    """

    accounts: int
    days: int
    seed: int
    #: milliseconds since 1970 UTC
    start: int = START
    #: mean of an account; a few are hundreds of times as active as most
    events_per_day: float = 1.0
    #: accounts that are members of a planted ring
    ring_share: float = 0.02

    def __post_init__(self) -> None:
        if not FEWEST_ACCOUNTS <= self.accounts <= 100_000_000:
            raise InputError(f"a simulation takes {FEWEST_ACCOUNTS} to 100 million accounts")
        if not 1 <= self.days <= 3650:
            raise InputError("a simulation takes 1 to 3,650 days")
        if not 0 < self.events_per_day <= 1000:
            raise InputError("events_per_day must be above 0 and at most 1,000")
        if not 0 <= self.ring_share <= MOST_IN_RINGS:
            raise InputError(f"the share of accounts in rings must be 0 to {MOST_IN_RINGS}")
        if self.start < 0:
            raise InputError("a simulation cannot start before 1970")

    @cached_property
    def draws(self) -> Draws:
        """Its random numbers."""
        return Draws(self.seed)

    @property
    def length(self) -> int:
        """Milliseconds from the start to the end."""
        return self.days * DAY_MS
