from contextlib import ExitStack

import pytest

from graph.errors import ServerError
from graph.ports import choose_ports
from tests.conftest import free_port


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
def test_who_starts_at_the_same_time_gets_another_port(host: str) -> None:
    """Between the choice and the listening lie minutes of a first start."""
    wanted = {"page": free_port()}
    with ExitStack() as held:
        assert choose_ports(wanted, {}, held, host) == wanted
        with ExitStack() as also_held:
            assert choose_ports(wanted, {}, also_held, host) != wanted
    with ExitStack() as held:
        assert choose_ports(wanted, {}, held, host) == wanted


def test_an_address_of_another_machine_is_one_clear_line() -> None:
    with ExitStack() as held, pytest.raises(ServerError, match=r"nothing can listen on 192\.0\.2"):
        choose_ports({"page": 0}, {}, held, "192.0.2.1")
