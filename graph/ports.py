"""Ports for servers of our own."""

import contextlib
import fcntl
import socket
from collections.abc import Mapping

from graph.errors import ServerError
from graph.jars import cache_dir

Ports = dict[str, int]


def choose_ports(
    defaults: Mapping[str, int],
    remembered: Mapping[str, int],
    held: contextlib.ExitStack,
    host: str = "127.0.0.1",
) -> Ports:
    """Free ports of `host`, kept from other starts of this user for as long as `held` is."""
    ports = {}
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for use, default in defaults.items():
        for wanted in (remembered.get(use, default), default, 0, 0, 0):
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    probe.bind((host, wanted))
                    port: int = probe.getsockname()[1]
                    if not answers(port) and _reserve(port, held):
                        ports[use] = port
                        break
        else:
            raise ServerError(f"nothing can listen on {host}: no port is free, or it is elsewhere")
    return ports


def _reserve(port: int, held: contextlib.ExitStack) -> bool:
    folder = cache_dir() / "ports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = held.enter_context((folder / str(port)).open("wb"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def answers(port: int) -> bool:
    """Whether something listens on this port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
