"""A Java server as a child process: jars from locked Maven coordinates, and a supervisor.

The supervisor (`python -m graph.jvm FOLDER`) starts Java and holds a lock on the folder for as
long as the server lives, so "is it running?" is never fooled by a stale process id. Its standard
input is a pipe from the process that started it: when that ends, however it ends, so does Java.
"""

import ctypes
import fcntl
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from graph.errors import ServerError

#: longest wait for Java to end by itself, seconds
STOP_S = 30.0
MIN_FREE_BYTES = 1_000_000_000
_PR_SET_PDEATHSIG = 1
#: what a log says and what it means; the first that is found is reported
_TROUBLES = {
    "Address already in use": "the port is taken",
    "No space left on device": "the disk is full",
    "Could not reserve enough space": "there is not enough memory for the heap",
    "Too small maximum heap": "the heap size is too small",
    "Invalid maximum heap size": "the heap size is not a size",
    "Invalid initial heap size": "the heap size is not a size",
    "OutOfMemoryError": "the heap is too small",
    "Unable to allocate": "there is not enough memory",
}
#: supervisors this process started; their pipes stay open as long as it lives
_started: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class JavaServer:
    """A server to be started."""

    name: str
    #: folder that holds its data, logs and lock
    home: Path
    #: port names to the ports it should get when they are free
    ports: dict[str, int]
    #: writes the configuration for the ports and returns the Java command line
    prepare: Callable[[dict[str, int]], list[str]]
    #: whether it answers on these ports
    is_healthy: Callable[[dict[str, int]], bool]


def start(server: JavaServer, keep_running: bool, time_limit_s: float) -> tuple[dict[str, int], bool]:
    """Start a server, or find the running one; returns its ports and whether it was started.

    With `keep_running` it outlives this process. Raises ServerError with the cause.
    """
    server.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + time_limit_s
    with _locked(server.home / "start.lock"):
        ports = find(server.home)
        is_new = ports is None
        if ports is None:
            _check_disk(server.home)
            ports = _free_ports(server)
            _launch(server, ports, keep_running)
        try:
            _wait(server, ports, deadline)
        except ServerError:
            if is_new:
                stop(server.home)
            raise
    return ports, is_new


def find(home: Path) -> dict[str, int] | None:
    """The ports of the server that runs in a folder, None when none does."""
    if not _is_held(home / "lock"):
        return None
    try:
        ports: dict[str, int] = json.loads((home / "server.json").read_text())["ports"]
    except (OSError, ValueError, KeyError):
        return None
    return ports


def stop(home: Path) -> bool:
    """Stop the server that runs in a folder and wait for its end; False when none does."""
    if not _is_held(home / "lock"):
        return False
    try:
        os.kill(int((home / "lock").read_text()), signal.SIGTERM)
    except (OSError, ValueError) as error:
        raise ServerError(f"cannot stop the server in {home}: {error}") from error
    deadline = time.monotonic() + STOP_S + 10
    while _is_held(home / "lock"):
        if time.monotonic() > deadline:
            raise ServerError(f"the server in {home} does not stop; see {home}/console.log")
        time.sleep(0.05)
    if (child := _started.pop(home, None)) is not None:
        if child.stdin is not None:
            child.stdin.close()
        child.wait()
    return True


def resolve_jars(coordinates: str, lock_file: Path) -> list[Path]:
    """Jars of Maven coordinates, fetched once a user and checked against the lock file.

    The lock file has sha256sum's form. Raises ServerError when they cannot be had or differ.
    """
    wanted = dict(line.split()[::-1] for line in lock_file.read_text().splitlines() if line)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ringtrace" / "jars"
    cache.mkdir(parents=True, exist_ok=True)
    stamp = cache / hashlib.sha256(lock_file.read_bytes()).hexdigest()[:16]
    with _locked(cache / "lock"):
        if stamp.exists():
            jars = [Path(line) for line in stamp.read_text().splitlines()]
            if all(jar.exists() for jar in jars):
                return jars
        jars = sorted(_fetch(coordinates, cache))
        _verify(jars, wanted)
        stamp.write_text("\n".join(map(str, jars)))
    return jars


def _fetch(coordinates: str, cache: Path) -> list[Path]:
    import jgo  # only the first start needs it, and it takes a third of a second

    try:
        return [Path(jar) for jar in jgo.build(coordinates, cache_dir=cache).all_jars]
    except Exception as error:  # noqa: BLE001  (it raises its own and its HTTP client's)
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ServerError(
            f"cannot fetch {coordinates.split('+')[0]} from Maven Central: {first}; "
            "check the network and the proxy, then try again"
        ) from error


def _verify(jars: list[Path], wanted: dict[str, str]) -> None:
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars}
    if wrong := sorted({*found.items()} ^ {*wanted.items()}):
        raise ServerError(
            f"{wrong[0][0]} is not the file that was locked; delete its copy in ~/.m2 and in "
            "the cache, then try again"
        )


def _check_disk(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < MIN_FREE_BYTES:
        raise ServerError(f"{home} has {free // 1_000_000} MB free; at least 1,000 MB are needed")


def _free_ports(server: JavaServer) -> dict[str, int]:
    """The ports of the last start, so that addresses stay, or the usual ones, or any."""
    try:
        last = json.loads((server.home / "server.json").read_text())["ports"]
    except (OSError, ValueError, KeyError):
        last = {}
    ports: dict[str, int] = {}
    for name, usual in server.ports.items():
        candidates = [port for port in (last.get(name), usual, 0) if port is not None]
        ports[name] = next(p for p in map(_bindable, candidates) if p and p not in ports.values())
    return ports


def _bindable(port: int) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _launch(server: JavaServer, ports: dict[str, int], keep_running: bool) -> None:
    command = server.prepare(ports)
    plan = {"ports": ports, "command": command, "keep_running": keep_running}
    path = server.home / "server.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(plan))
    child = subprocess.Popen(
        [sys.executable, "-m", "graph.jvm", str(server.home)],
        stdin=subprocess.DEVNULL if keep_running else subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # a session of its own: Ctrl-C reaches the parent, which stops its servers in order
        start_new_session=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    _started[server.home] = child


def _wait(server: JavaServer, ports: dict[str, int], deadline: float) -> None:
    appeared = time.monotonic() + 10
    while not server.is_healthy(ports):
        is_dead = time.monotonic() > appeared and not _is_held(server.home / "lock")
        child = _started.get(server.home)
        if is_dead or (child is not None and child.poll() is not None):
            raise ServerError(f"{server.name} ended while starting: {_cause(server.home)}")
        if time.monotonic() > deadline:
            raise ServerError(f"{server.name} did not answer in time: {_cause(server.home)}")
        time.sleep(0.1)


def _cause(home: Path) -> str:
    log = home / "console.log"
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    text = "\n".join(lines)
    told = next((meaning for sign, meaning in _TROUBLES.items() if sign in text), None)
    spoken = [line.strip() for line in lines if line.strip() and not line[0].isspace()]
    worst = next((line for line in spoken if " ERROR " in line), None)
    last = spoken[-1] if spoken else "it said nothing"
    return f"{told or (worst or last)[:300]} (its log is {log})"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_held(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def supervise(home: Path) -> int:
    """Run the Java command of a folder until it ends, or the parent does, or a SIGTERM comes."""
    plan: dict[str, Any] = json.loads((home / "server.json").read_text())
    with (home / "lock").open("a+") as lock, (home / "console.log").open("wb") as log:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        asked = {"stop": False}
        signal.signal(signal.SIGTERM, lambda *_: asked.update(stop=True))
        java = subprocess.Popen(
            plan["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        while java.poll() is None and not asked["stop"]:
            if plan["keep_running"]:
                time.sleep(0.2)
            elif _has_ended(sys.stdin.buffer):
                break
        return _end(java)


def _has_ended(pipe: IO[bytes]) -> bool:
    readable, _, _ = select.select([pipe], [], [], 0.2)
    return bool(readable) and not os.read(pipe.fileno(), 4096)


def _die_with_parent() -> None:
    """Have the kernel end Java when this supervisor is killed without a chance to do so."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(java: subprocess.Popen[bytes]) -> int:
    java.terminate()
    try:
        return java.wait(STOP_S)
    except subprocess.TimeoutExpired:
        java.kill()
        return java.wait()


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
