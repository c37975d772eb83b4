"""Random numbers that depend on nothing but the seed and what they are for.

A number is a keyed hash of what it is for (`"phone"`, account 17, its 2nd), so that a property of
an account needs no memory and is the same whenever, and in whatever order, it is asked for.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Draws:
    """The random numbers of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._keys: dict[str, np.uint64] = {}

    def bits(self, what: str, *numbers: Any) -> Bits:
        """64 bits for each element of the arrays; different ones for different single numbers."""
        key = self._key(what)
        drawn = _mix(np.atleast_1d(np.asarray(numbers[0])).astype(np.uint64) * _GOLDEN + key)
        for number in numbers[1:]:
            drawn = _mix((drawn ^ np.atleast_1d(np.asarray(number)).astype(np.uint64)) * _GOLDEN)
        return drawn

    def share(self, what: str, *numbers: Any) -> Floats:
        """At least 0 and below 1."""
        return (self.bits(what, *numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, limit: Any, what: str, *numbers: Any) -> Ints:
        """Whole numbers from 0 to below the limit."""
        drawn: Ints = (self.share(what, *numbers) * limit).astype(np.int64)
        return drawn

    def generator(self, what: str, number: int = 0) -> np.random.Generator:
        """A stream of its own, for what is drawn once and in order."""
        return np.random.Generator(np.random.Philox(key=[int(self._key(what)), number]))

    def _key(self, what: str) -> np.uint64:
        if what not in self._keys:
            digest = blake2b(f"{self._seed}/{what}".encode(), digest_size=8).digest()
            self._keys[what] = np.uint64(int.from_bytes(digest, "big"))
        return self._keys[what]


def _mix(x: Bits) -> Bits:
    """The finaliser of SplitMix64, which is one to one."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
