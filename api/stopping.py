"""When a command that goes on ends: at Ctrl-C, at a kill, and with the process that began it."""

import os
import signal
import sys
import threading
from collections.abc import Callable


def stop_event(*, follow_stdin: bool = False) -> threading.Event:
    """An event that SIGINT and SIGTERM set, and with `follow_stdin` the end of the parent too.

    To be called in the main thread, once a process.
    """
    stop = threading.Event()
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    # not in the handler: it runs in the main thread, which may just hold the event's lock, and
    # would wait for itself
    signal.set_wakeup_fd(tell)
    _beside(lambda: os.read(told, 1), stop.set)
    if follow_stdin:
        when_stdin_ends(stop.set)
    return stop


def when_stdin_ends(then: Callable[[], object]) -> None:
    """Call `then`, in a thread, when the process that holds our standard input is gone."""

    def wait() -> None:
        # not through sys.stdin: a process that ends otherwise would wait for its lock, and abort
        while os.read(sys.stdin.fileno(), 4096):
            pass

    _beside(wait, then)


def _beside(wait: Callable[[], object], then: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        then()

    threading.Thread(target=watch, daemon=True).start()
