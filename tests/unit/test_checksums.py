import random

import pytest
from kafka.record import _crc32c, util

from ingest import checksums


@pytest.mark.parametrize("size", [0, 1, 9, 1000])
def test_kafka_gets_the_same_checksums_without_computing_them_in_python(size, monkeypatch):
    data = random.Random(size).randbytes(size)
    expected = _crc32c.crc(data)
    checksums.compute_in_c()
    monkeypatch.setattr(_crc32c, "crc_update", None)
    assert util.calc_crc32c(memoryview(bytearray(data))) == expected
    assert util.calc_crc32c(memoryview(b"123456789")) == 0xE3069283
