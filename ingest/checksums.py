"""Kafka's checksums in C."""

import google_crc32c
from kafka.record import util


def _crc32c(data: memoryview) -> int:
    checksum: int = google_crc32c.value(bytes(data))
    return checksum


def compute_in_c() -> None:
    """Give kafka-python a CRC-32C: without one it takes 34 µs an event, half of all our time.

    The one it looks for by itself is under the LGPL.
    """
    util.calc_crc32c.__defaults__ = (_crc32c,)
