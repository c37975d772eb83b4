import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.projection import build_projection, without_denied
from detection.rules import rules
from detection.rules import without_denied as findings_without_denied
from graph.deny_list import DenyList, load_deny_list
from graph.errors import InputError
from graph.keyring import make_keyring
from graph.kinds import identifier_kinds
from graph.model import Finding
from graph.pseudonyms import Pseudonyms

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


_rows = st.lists(
    st.tuples(
        st.sampled_from(sorted(KINDS)),
        st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6, unique=True),
    ),
    max_size=10,
).map(
    lambda found: [
        {
            "key": f"{kind}:{number}",
            "kind": kind,
            "account_ids": accounts,
            "first_seen": [ord(account) for account in accounts],
            "last_seen": [ord(account) + 100 for account in accounts],
        }
        for number, (kind, accounts) in enumerate(found)
    ]
)


@settings(deadline=None)
@given(_rows, st.frozensets(st.sampled_from("abcdefghx")), st.frozensets(st.integers(0, 9)))
def test_what_is_denied_is_as_if_nobody_had_used_it(rows, account_ids, numbers):
    keys = frozenset(row["key"] for n, row in enumerate(rows) if n in numbers)
    projection = build_projection(without_denied(rows, DenyList(keys, account_ids)))
    assert account_ids.isdisjoint(projection.account_ids)
    expected = {}
    for row in rows:
        left = sorted(set(row["account_ids"]) - account_ids)
        if row["key"] not in keys and len(left) >= 2:
            expected[row["key"]] = left
    found = {
        shared.key: [projection.account_ids[n] for n in shared.accounts]
        for shared in projection.identifiers
    }
    assert found == expected
    for shared in projection.identifiers:
        names = [projection.account_ids[n] for n in shared.accounts]
        assert list(shared.first_seen) == [ord(name) for name in names]
        assert list(shared.last_seen) == [ord(name) + 100 for name in names]


def finding(rule: str, key: str, *account_ids: str) -> Finding:
    return Finding(rule, key, account_ids, len(account_ids), 0, "seen")


def test_findings_fall_with_what_they_are_about():
    assert rules()["shared_device"].subject == "identifier"
    assert rules()["money_going_round"].subject == "accounts"
    device = finding("shared_device", "device:d", "a", "b", "c")
    money = finding("money_going_round", "", "a", "b", "c")
    both = [device, money]
    assert findings_without_denied(both, DenyList()) == both
    denied = DenyList(frozenset({"device:d"}))
    assert findings_without_denied(both, denied) == [money]
    denied = DenyList(account_ids=frozenset({"b"}))
    (left,) = findings_without_denied(both, denied)
    assert (left.rule, left.account_ids, left.account_count) == ("shared_device", ("a", "c"), 3)
    assert findings_without_denied(both, DenyList(account_ids=frozenset("abc"))) == []
