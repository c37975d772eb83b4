"""Runs a Java server as its child until it ends or nobody wants it any more.

Run as `python -m graph.supervisor <directory> <lock> <command>…` by graph.jvm. It and the server
hold the flock `<lock>`, so that is held exactly as long as one of them lives. Its stdin is a pipe
whose other end the starting process holds: at its end it stops the server.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: words on the pipe: the server is healthy; it is, and may outlive the starting process
READY, KEEP = b"r", b"k"
#: how long a server may take to stop before it is killed
STOP_SECONDS = 30


def read_state(directory: Path) -> dict[str, Any]:
    """What is known of the server of this directory; empty before its first start."""
    try:
        state = json.loads((directory / "server.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(directory: Path, **changes: object) -> None:
    """Change some of what is known; readers see the old or the new."""
    path = directory / "server.json"
    new = path.with_suffix(f".{os.getpid()}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(read_state(directory) | changes, file)
    new.replace(path)


def _dies_with_parent() -> Callable[[], object] | None:
    """On Linux: have the kernel end the server when its supervisor is killed outright."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def supervise(directory: Path, lock: int, command: list[str]) -> int:
    """Run the server until it ends, or SIGTERM or the end of the pipe says to stop it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        cwd=directory,
        pass_fds=[lock],
        preexec_fn=_dies_with_parent(),
    )
    try:
        write_state(directory, pid=server.pid)
        watching = True
        while server.poll() is None:
            if not select.select([0] if watching else [], [], [], 0.2)[0]:
                continue
            word = os.read(0, 1)
            if not word:
                break
            write_state(directory, ready=True)
            watching = word != KEEP
    finally:
        write_state(directory, ready=False, pid=None)
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
    return server.wait()


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
