"""Identifiers that accounts use besides their phone, as functions of the account and the time."""

from typing import Any

import numpy as np

from graph.times import DAY_MS
from ingest.simulation.draws import Bits, Draws, Ints, Mask
from ingest.simulation.population import NONE, Population

#: bit that tells an IPv6 network (its 32 bits follow, then 16 of the host) from an IPv4 address
IPV6 = np.uint64(1 << 63)

_LAPTOPS = 0.5
_TABLETS = 0.4
_HOUSEHOLD_CARDS = 0.15
_SECOND_CARDS = 0.3
_CARD_DAYS = 1000
#: shortest and longest time that a home keeps its address
_LEASE_DAYS = (30, 400)
_IPV6_HOMES = 0.3
#: a mobile carrier's address stays with a customer that long
_CARRIER_LEASE_MS = DAY_MS // 2
_KIOSK_USERS = 0.12
#: accounts that use a kiosk, where a town is small
_FEWEST_KIOSK_USERS = 300
_WIFI_SITES = 4


class Belongings:
    """Devices, cards and addresses by account; `account` and `at` are arrays of one length."""

    def __init__(self, people: Population) -> None:
        self.people = people
        self._draws: Draws = people.draws
        self._kiosk_users = max(_KIOSK_USERS, min(0.5, _FEWEST_KIOSK_USERS / people.town_size))

    def device(self, account: Ints, at: Ints, choice: Any) -> Bits:
        """The device taken, by a `choice` of 0 to 1: mostly the phone."""
        people, draws = self.people, self._draws
        device = people.phone(account, at)
        laptop = (choice > 0.7) & (draws.share("has laptop", account) < _LAPTOPS)
        device = np.where(laptop, draws.bits("laptop", account), device)
        tablet = (choice > 0.42) & (choice < 0.54) & self._has_tablet(account)
        return np.where(tablet, draws.bits("tablet", people.household_of[account]), device)

    def card(self, account: Ints, at: Ints, choice: Any) -> Bits:
        """The card taken, by a `choice` of 0 to 1: mostly the first one."""
        people, draws = self.people, self._draws
        age = at + draws.below(_CARD_DAYS * DAY_MS, "card age", account)
        second = (choice > 0.85) & (draws.share("second card", account) < _SECOND_CARDS)
        card = draws.bits("card", account, age // (_CARD_DAYS * DAY_MS) * 2 + second)
        household = people.household_of[account]
        family = (choice < 0.15) & (people.household_size(account) > 1)
        family &= draws.share("has family card", household) < _HOUSEHOLD_CARDS
        return np.where(family, draws.bits("family card", household), card)

    def bank_account(self, account: Ints) -> Bits:
        """The account's own bank account."""
        return self._draws.bits("bank account", account)

    def home_ip(self, account: Ints, at: Ints) -> Bits:
        """The address at home, which the provider changes now and then."""
        household = self.people.household_of[account]
        shortest, longest = _LEASE_DAYS
        lease = (shortest + self._draws.below(longest - shortest, "lease", household)) * DAY_MS
        number = (at + self._draws.below(lease, "lease age", household)) // lease
        return self.address("home", household, number)

    def office_ip(self, account: Ints) -> Bits:
        """The address of everybody in the account's office; nothing for those without one."""
        office = self.people.office_of[account]
        return np.where(office == NONE, np.uint64(0), self.address("office", office))

    def carrier_ip(self, account: Ints, at: Ints) -> Bits:
        """One of 254 addresses of the town's mobile carrier, another one twice a day."""
        lease = (at + self._draws.below(_CARRIER_LEASE_MS, "carrier age", account)) // (
            _CARRIER_LEASE_MS
        )
        host = 1 + self._draws.below(254, "carrier", account, lease)
        network = self.people.town(account) % (1 << 14)
        # 100.64.0.0/10 is for carriers
        return (np.int64(0x64400000) + (network << 8) + host).astype(np.uint64)

    def wifi_ip(self, account: Ints, choice: Any) -> Bits:
        """The address of a café or station in town."""
        site = (np.asarray(choice) * _WIFI_SITES).astype(np.int64)
        return self.address("wifi", self.people.town(account), site)

    def is_kiosk_user(self, account: Ints) -> Mask:
        """Whether an account uses the kiosk of its town."""
        return self._draws.share("kiosk user", account) < self._kiosk_users

    def kiosk_device(self, account: Ints) -> Bits:
        """The one device of the town's kiosk."""
        return self._draws.bits("kiosk", self.people.town(account))

    def kiosk_ip(self, account: Ints) -> Bits:
        """The address of the town's kiosk."""
        return self.address("kiosk address", self.people.town(account))

    def address(self, what: str, *numbers: Any) -> Bits:
        """An IP address of a fixed line.

        Nobody's real one: IPv4 from the reserved 240.0.0.0/4, IPv6 from 2001:db8::/32, which is
        for documentation.
        """
        bits = self._draws.bits(what, *numbers)
        is_ipv6 = self._draws.share(f"{what} has IPv6", numbers[0]) < _IPV6_HOMES
        network = IPV6 | (bits >> np.uint64(16) << np.uint64(16) & np.uint64(0xFFFFFFFF0000))
        return np.where(is_ipv6, network, np.uint64(0xF0000000) | (bits >> np.uint64(36)))

    def _has_tablet(self, account: Ints) -> Mask:
        household = self.people.household_of[account]
        shared = self.people.household_size(account) > 1
        return shared & (self._draws.share("has tablet", household) < _TABLETS)
