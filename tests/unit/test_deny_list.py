import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.projection import project
from detection.rules import rules, without_denied
from detection.shared import share
from graph.deny_list import DenyList, load_deny_list
from graph.errors import InputError
from graph.keyring import make_keyring
from graph.kinds import identifier_kinds
from graph.model import Finding
from graph.pseudonyms import Pseudonyms
from tests.sharing import NOW, edges, tie_rows, use_rows, without

KINDS = identifier_kinds()
EMAIL, PHONE = KINDS["email"], KINDS["phone"]


@pytest.fixture(scope="module")
def pseudonyms(tmp_path_factory: pytest.TempPathFactory) -> Pseudonyms:
    return Pseudonyms(make_keyring(tmp_path_factory.mktemp("keys") / "keys.json", 0))


def test_a_deny_list_takes_keys_values_and_accounts(pseudonyms, tmp_path):
    card = pseudonyms.key(KINDS["payment_instrument"], "4111 1111")
    other = pseudonyms.key(EMAIL, "x@y.z")
    path = tmp_path / "deny.txt"
    path.write_text(
        f"# exchanges\naccount:acme#1\n\n{other}\n4111 1111  # a test card\n"
        "ip:203.0.113.9\nphone:+49 30 12345\n#email:a@b.c\n",
        "utf-8",
    )
    denied = load_deny_list(path, pseudonyms)
    assert denied.account_ids == {"acme#1", "4111 1111"}
    assert {card, other, "ip:203.0.113.9", pseudonyms.key(PHONE, "+493012345")} <= denied.keys
    assert pseudonyms.key(EMAIL, "a@b.c") not in denied.keys
    assert denied
    assert not DenyList()


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_deny_list_that_cannot_be_read_is_one_line(pseudonyms, tmp_path, content):
    path = tmp_path / "deny.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="the deny list"):
        load_deny_list(path, pseudonyms)


@settings(deadline=None)
@given(
    use_rows(),
    tie_rows(),
    st.frozensets(st.sampled_from("abcdefghx")),
    st.frozensets(st.integers(0, 9)),
)
def test_what_is_denied_links_nobody(uses, ties, account_ids, numbers):
    denied = DenyList(frozenset(row[0] for n, row in enumerate(uses) if n in numbers), account_ids)
    found = edges(project(share(uses, ties, denied), NOW))
    assert found == edges(project(share(*without(uses, ties, denied)), NOW))
    assert account_ids.isdisjoint(name for pair in found for name in pair)


def finding(rule: str, key: str, *account_ids: str) -> Finding:
    return Finding(rule, key, account_ids, len(account_ids), 0, "seen")


def test_findings_fall_with_what_they_are_about():
    assert rules()["shared_device"].subject == "identifier"
    assert rules()["money_going_round"].subject == "accounts"
    device = finding("shared_device", "device:d", "a", "b", "c")
    money = finding("money_going_round", "", "a", "b", "c")
    both = [device, money]
    assert without_denied(both, DenyList()) == both
    denied = DenyList(frozenset({"device:d"}))
    assert without_denied(both, denied) == [money]
    denied = DenyList(account_ids=frozenset({"b"}))
    (left,) = without_denied(both, denied)
    assert (left.rule, left.account_ids, left.account_count) == ("shared_device", ("a", "c"), 3)
    assert without_denied(both, DenyList(account_ids=frozenset("abc"))) == []
