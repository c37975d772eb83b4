"""A seeded generator of believable account events with planted rings: `ringtrace simulate`."""

from collections.abc import Iterator

import numpy as np

from ingest.simulation.belongings import Belongings
from ingest.simulation.lines import account_text, lines
from ingest.simulation.population import Population
from ingest.simulation.rings import plant_rings, ring_id
from ingest.simulation.scenario import Simulation
from ingest.simulation.traffic import Traffic

__all__ = ["Simulation", "simulate", "truth"]

#: accounts named in one go
_BLOCK = 65_536


def simulate(simulation: Simulation) -> Iterator[bytes]:
    """Events as JSON (the contract's event), one a piece, by the time they come in.

    That is the order of `occurred_at`, but for 0.5 % of them, which come in some minutes late, an
    hour at most; 0.2 % come in a second time, byte for byte. About `accounts × days ×
    events_per_day` events: a little fewer for accounts that sign up on the way, and more in a few
    days, into which rings press all they do. Memory depends on the accounts (about 100 bytes each)
    and a little on `events_per_day`, not on the days. The same values give the same bytes in every
    process with the same NumPy.
    """
    belongings = Belongings(Population(simulation))
    rings = plant_rings(belongings, simulation.ring_share, simulation.events_per_day)
    return lines(Traffic(simulation, belongings, rings).rows(), belongings.people)


def truth(simulation: Simulation) -> Iterator[tuple[str, int, str]]:
    """Account id, 1 for a member of a planted ring and its ring id, or 0 and ''; each once.

    A ring id begins with the ring's kind: shared_card, shared_device, sequential, lockstep,
    slow_growth, money_circle, weak_ties or fan_in.
    """
    belongings = Belongings(Population(simulation))
    people = belongings.people
    rings = plant_rings(belongings, simulation.ring_share, simulation.events_per_day)
    of = {
        account: ring_id(people, ring) for ring in rings.rings for account in ring.members.tolist()
    }
    for first in range(0, people.size, _BLOCK):
        accounts = np.arange(first, min(first + _BLOCK, people.size))
        for number, bits in zip(accounts.tolist(), people.account_ids(accounts), strict=True):
            yield account_text(int(bits)), int(number in of), of.get(number, "")
