"""Actions for tests of coordination: who acted on what, when; all drawn from a seed."""

import numpy as np
import pyarrow as pa

DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
START = 1_704_067_200_000
Action = tuple[str, str, int]


def table(actions: list[Action]) -> pa.Table:
    accounts, objects, times = zip(*actions, strict=True) if actions else ((), (), ())
    return pa.table(
        {
            "account_id": pa.array(accounts, pa.string()),
            "object": pa.array(objects, pa.string()),
            "at": pa.array(times, pa.int64()),
        }
    )


def linked(found: pa.Table) -> set[tuple[str, str]]:
    return set(zip(found["source"].to_pylist(), found["target"].to_pylist(), strict=True))


def reviewers(random: np.random.Generator, accounts: int = 5000) -> list[Action]:
    """Ordinary reviews of half a year, by the day; a tenth of the items has half of them."""
    made = []
    for number in range(accounts):
        for item in (2000 * random.random(1 + random.poisson(8)) ** 3).astype(int).tolist():
            made.append((f"reviewer-{number}", f"item-{item}", _day(random.integers(180))))
    return made


def colluders(random: np.random.Generator, group: int, size: int, items: int) -> list[Action]:
    """A group that reviews the same items, each within two days of each other."""
    made = []
    for item in random.choice(np.arange(100, 1500), items, replace=False).tolist():
        day = random.integers(178)
        for member in range(size):
            at = _day(day + random.integers(3))
            made.append((f"colluder-{group}-{member}", f"item-{item}", at))
    return made


def fans(
    random: np.random.Generator, count: int, posts: int, minutes: float, share: float
) -> list[Action]:
    """Fans that repeat a share of somebody's posts, half of them within `minutes`."""
    made = []
    for post in range(posts):
        posted = START + int(random.integers(30)) * DAY + int(random.integers(8, 22)) * HOUR
        for fan in np.flatnonzero(random.random(count) < share).tolist():
            delay = minutes * np.exp(random.normal(0, 1.2))
            made.append((f"fan-{fan}", f"post-{post}", posted + int(delay * MINUTE)))
    return made


def shoppers(random: np.random.Generator, count: int, merchants: int) -> list[Action]:
    """One town: everybody pays the same merchants, in three hours of the evening."""
    made = []
    for number in range(count):
        for day in np.flatnonzero(random.random(90) < 0.4).tolist():
            merchant = int(merchants * random.random() ** 2)
            at = START + day * DAY + 17 * HOUR + int(random.integers(3 * HOUR))
            made.append((f"shopper-{number}", f"merchant-{merchant}", at))
    return made


def _day(number: int) -> int:
    return START + int(number) * DAY
