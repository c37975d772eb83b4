"""What must be done now and then beside the ingest: compacting the archive, forgetting the past.

Each is a command in a process of its own: its memory goes with it, and it may be killed.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("ringtrace.archive")

#: how often, seconds
EVERY_S = 3600.0
COMMANDS = (("archive", "compact"), ("archive", "expire"))


@contextmanager
def housekeeping(data_dir: Path) -> Iterator[None]:
    """Do it every hour until the end of the block; several processes may do it at once."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(data_dir, stop), name="housekeeping")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _keep(data_dir: Path, stop: threading.Event) -> None:
    while not stop.wait(EVERY_S):
        for command in COMMANDS:
            _run([sys.executable, "-m", "api", *command, "--data-dir", str(data_dir)], stop)


def _run(command: list[str], stop: threading.Event) -> None:
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    while child.poll() is None:
        if stop.wait(0.5):
            child.terminate()
    if child.returncode and not stop.is_set():
        log.warning("`ringtrace %s` failed with code %d", " ".join(command[3:5]), child.returncode)
