"""What must be done now and then beside the ingest: compacting the archive, forgetting the past.

Each is a command in a process of its own: its memory goes with it, and it may be killed.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

log = logging.getLogger("ringtrace.archive")

#: seconds from one compaction to the next: whoever asks for an account's activity opens every
#: segment since, and four partitions make twelve a minute
COMPACT_EVERY_S = 300.0
#: compactions from one look for what is too old to the next
EXPIRE_AT = 12


@contextmanager
def housekeeping(data_dir: Path) -> Iterator[None]:
    """Do it again and again until the end of the block; several processes may do it at once."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(data_dir, stop), name="housekeeping")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _keep(data_dir: Path, stop: threading.Event) -> None:
    for turn in count(1):
        if stop.wait(COMPACT_EVERY_S):
            return
        _run("compact", data_dir, stop)
        if turn % EXPIRE_AT == 0:
            _run("expire", data_dir, stop)


def _run(name: str, data_dir: Path, stop: threading.Event) -> None:
    command = [sys.executable, "-m", "api", "archive", name, "--data-dir", str(data_dir)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    while child.poll() is None:
        if stop.wait(0.5):
            child.terminate()
    if child.returncode and not stop.is_set():
        log.warning("`ringtrace archive %s` failed with code %d", name, child.returncode)
