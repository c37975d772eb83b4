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


def test_who_ends_by_itself_does_not_wait_for_its_parent() -> None:
    code = "from api.stopping import when_stdin_ends; when_stdin_ends(print); raise SystemExit(3)"
    command = [sys.executable, "-c", code]
    for _ in range(5):
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stderr is not None
            assert (child.wait(20), child.stderr.read()) == (3, "")
