"""For each rule events at which it must fire, and like ones at which it must not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.events import DAY, START

Event = dict[str, Any]
#: fields that name something: each case has its own
_OWN = ("device_id", "payment_instrument", "counterparty_account_id", "target_id")
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


@dataclass(frozen=True)
class Case:
    """Events of accounts and values that no other case has."""

    rule: str
    fires: bool
    #: of its accounts and of what they use
    prefix: str
    events: list[Event]
    #: accounts that the rule must flag: none where it must not fire
    flagged: set[str]


class Story:
    """What happened in one case; times are milliseconds from its start."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.events: list[Event] = []

    def own(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def tell(self, at: int, account: str, kind: str = "login", **fields: Any) -> None:
        owned = {name: self.own(fields[name]) for name in _OWN if name in fields}
        self.events.append(
            {
                "event_id": f"e{len(self.events)}",
                "type": kind,
                "occurred_at": START + at,
                "account_id": self.own(account),
            }
            | fields
            | owned
        )

    def pay(self, at: int, payer: str, payee: str, amount: int = 20, **fields: Any) -> None:
        money = {"amount": amount, "currency": "EUR", "counterparty_account_id": payee}
        self.tell(at, payer, "transfer", **money, **fields)


def cases() -> Iterator[Case]:
    """Two for each rule."""
    for rule, (fires, flagged, silent) in STORIES.items():
        for how, tell in (("fires", fires), ("silent", silent)):
            story = Story(f"{rule.replace('_', '-')}-{how}")
            tell(story)
            names = {story.own(name) for name in flagged.split()} if how == "fires" else set()
            yield Case(rule, how == "fires", story.prefix, story.events, names)


def _share(field: str, accounts: str, step: int = DAY) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for number, account in enumerate(accounts.split()):
            value = {"email": f"{story.prefix}@example.org", "phone": _phone(story)}
            story.tell(number * step, account, **{field: value.get(field, "one")})

    return tell


def _phone(story: Story) -> str:
    return f"+4915{sum(map(ord, story.prefix)) % 10**8:08}"


def _crowd(size: int) -> Callable[[Story], None]:
    return _share("device_id", " ".join(f"a{n:02}" for n in range(size)), HOUR)


def _round(*pairs: str) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for number, (payer, payee) in enumerate(pairs):
            story.pay(number * HOUR, payer, payee)

    return tell


def _paid(device: str, other: str) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        story.tell(0, "a", payment_instrument=device)
        story.tell(DAY, "b", payment_instrument=other)
        story.pay(2 * DAY, "a", "b")

    return tell


def _referred(device: str, other: str) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        story.tell(0, "a", device_id=device)
        story.tell(DAY, "b", device_id=other)
        story.tell(2 * DAY, "a", "referral", counterparty_account_id="b")

    return tell


def _silent_for(days: int, then: int) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        story.tell(0, "a")
        for number in range(then):
            story.tell(days * DAY + number * HOUR, "a")

    return tell


def _abroad(*visits: tuple[int, str]) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for hour, country in visits:
            story.tell(hour * HOUR, "a", country=country)

    return tell


def _flight(hours: int) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        story.tell(0, "a", latitude=52.52, longitude=13.40)
        story.tell(hours * HOUR, "a", latitude=40.71, longitude=-74.01)

    return tell


def _failures(count: int, step: int) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for number in range(count):
            story.tell(number * step, "a", outcome="failure")

    return tell


def _stuffing(failed: int, succeeded: int) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for number in range(failed):
            story.tell(number * MINUTE, f"f{number}", outcome="failure", device_id="bot")
        for number in range(succeeded):
            at = (failed + number) * MINUTE
            story.tell(at, f"s{number}", outcome="success", device_id="bot")

    return tell


def _carrier(story: Story) -> None:
    # a third mistype and get in the second time
    for number in range(60):
        at, who = number * MINUTE // 2, f"c{number}"
        if not number % 3:
            story.tell(at, who, outcome="failure", device_id="shared")
        story.tell(at + SECOND, who, outcome="success", device_id="shared")


def _cards(count: int, step: int) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for number in range(count):
            story.tell(number * step, "a", "instrument", payment_instrument=f"card{number}")
            story.tell(number * step + MINUTE, "a", payment_instrument=f"card{number}")

    return tell


def _many(count: int, step: int, inwards: bool) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for number in range(count):
            ends = (f"x{number}", "a") if inwards else ("a", f"x{number}")
            story.pay(number * step, *ends)

    return tell


def _passing(days: int, share: float) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for day in range(days):
            story.pay(day * DAY, f"x{day}", "a", 100)
            story.pay(day * DAY + HOUR, "a", f"y{day}", int(100 * share))

    return tell


def _buys_after(delay: int) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        story.tell(0, "a", "signup")
        story.tell(delay, "a", "payment", amount=5, currency="EUR")

    return tell


def _refunds(paid: int, refunded: int) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        money = {"amount": 10, "currency": "EUR", "target_id": "shop"}
        for number in range(paid):
            story.tell(number * DAY, "a", "payment", **money)
        for number in range(refunded):
            story.tell((paid + number) * DAY, "a", "refund", **money)

    return tell


def _promotion(*devices: str) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        for number, device in enumerate(devices):
            story.tell(number * HOUR, f"p{number}", device_id=device)
            story.tell(number * HOUR + MINUTE, f"p{number}", "promotion", target_id="ten-off")

    return tell


_CROWD = " ".join(f"a{n:02}" for n in range(25))
#: rule: what makes it fire, whom it flags then, and what must not
STORIES: dict[str, tuple[Callable[[Story], None], str, Callable[[Story], None]]] = {
    "shared_device": (_share("device_id", "a b c"), "a b c", _share("device_id", "a b")),
    "shared_instrument": (
        _share("payment_instrument", "a b c"),
        "a b c",
        _share("payment_instrument", "a b"),
    ),
    "shared_email": (_share("email", "a b c"), "a b c", _share("email", "a b")),
    "shared_phone": (_share("phone", "a b c"), "a b c", _share("phone", "a b")),
    "crowded_identifier": (_crowd(25), _CROWD, _crowd(15)),
    "new_account_burst": (
        _share("device_id", "a b c", MINUTE),
        "a b c",
        _share("device_id", "a b c", 2 * DAY),
    ),
    "money_going_round": (_round("ab", "bc", "ca"), "a b c", _round("ab", "bc", "ac")),
    "paid_and_shared": (_paid("card", "card"), "a b", _paid("card", "another")),
    "self_referral": (_referred("phone", "phone"), "a b", _referred("phone", "another")),
    "dormant_then_active": (_silent_for(100, 6), "a", _silent_for(60, 6)),
    "many_countries": (
        _abroad((0, "DE"), (3, "US"), (9, "BR")),
        "a",
        _abroad((0, "DE"), (9, "US"), (40, "BR"), (41, "BR")),
    ),
    "impossible_travel": (_flight(2), "a", _flight(9)),
    "failed_login_storm": (_failures(12, 20 * SECOND), "a", _failures(12, 5 * MINUTE)),
    "credential_stuffing": (_stuffing(12, 2), "s0 s1", _carrier),
    "many_cards": (_cards(6, HOUR), "a", _cards(6, 2 * DAY)),
    "fan_in": (_many(12, HOUR, True), "a", _many(12, DAY, True)),
    "fan_out": (_many(12, HOUR, False), "a", _many(12, DAY, False)),
    "pass_through": (_passing(4, 0.95), "a", _passing(4, 0.4)),
    "signup_and_purchase": (_buys_after(5 * SECOND), "a", _buys_after(HOUR)),
    "refund_loop": (_refunds(4, 4), "a", _refunds(8, 4)),
    "promotion_loop": (_promotion("d", "d", "d"), "p0 p1 p2", _promotion("d", "e", "f")),
}
