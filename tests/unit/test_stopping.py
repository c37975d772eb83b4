import signal
import subprocess
import sys

import pytest

WAITS = """
from api.stopping import stop_event

stop = stop_event()
print("waits", flush=True)
while not stop.wait({seconds}):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0, None])
def test_a_signal_ends_who_waits_whatever_it_was_doing(
    number: signal.Signals, seconds: int | None
) -> None:
    """Set by the handler itself, the event hung in two of three of those that look all the time."""
    command = [sys.executable, "-c", WAITS.format(seconds=seconds)]
    for _ in range(10):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"waits\n"
            child.send_signal(number)
            try:
                assert child.wait(10) == 0
            finally:
                child.kill()
