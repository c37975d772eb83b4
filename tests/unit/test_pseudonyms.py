import base64
import hashlib
import hmac
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from graph.errors import PrivacyError, SettingsError
from graph.keyring import Keyring, add_version, make_keyring, promote
from graph.kinds import IdentifierKind, Privacy, identifier_kinds
from graph.pseudonyms import Pseudonyms, is_token, label, load_pseudonyms
from graph.settings import PrivacySettings

NOW = 1_760_000_000_000
KINDS = identifier_kinds()
EMAIL, DEVICE, PHONE = KINDS["email"], KINDS["device"], KINDS["phone"]
TOKENISED = [kind for kind in KINDS.values() if kind.privacy is not Privacy.CLEAR]
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "pseudonyms.json"
    make_keyring(path, NOW)
    return path


@pytest.fixture(scope="module")
def keyring(path: Path) -> Keyring:
    return make_keyring(path, NOW)


@pytest.fixture(scope="module")
def pseudonyms(keyring: Keyring) -> Pseudonyms:
    return Pseudonyms(keyring)


def two_versions(folder: Path) -> tuple[Pseudonyms, Pseudonyms]:
    """The same keys before and after a new version became the current one."""
    path = folder / "pseudonyms.json"
    before = Pseudonyms(make_keyring(path, NOW))
    add_version(path, NOW)
    return before, Pseudonyms(promote(path, 2, {"tax_id": 1}))


def test_defaults_are_those_that_were_agreed():
    assert {kind.name: kind.privacy.value for kind in KINDS.values()} == {
        "device": "clear",
        "ip": "clear",
        "advertising_id": "clear",
        "payment_instrument": "token+sealed",
        "email": "token+sealed",
        "phone": "token+sealed",
        "address": "token+sealed",
        "tax_id": "token+sealed",
    }


@settings(deadline=None)
@given(st.sampled_from(TOKENISED), VALUES)
def test_a_token_is_half_an_hmac_of_kind_and_value(keyring, pseudonyms, kind, value):
    secret = keyring.current.token_key
    digest = hmac.new(secret, f"{kind.name}\0{value}".encode(), hashlib.sha256).digest()
    token = base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
    assert len(token) == 22
    assert pseudonyms.key(kind, value) == f"{kind.name}:t1.{token}"
    assert is_token(pseudonyms.key(kind, value))


@settings(deadline=None)
@given(VALUES)
def test_a_clear_kind_keeps_its_value(pseudonyms, value):
    key = pseudonyms.key(DEVICE, value)
    assert key == f"device:{value}"
    assert pseudonyms.seal(DEVICE, value, key) is None
    assert label(key, value) == value


@settings(deadline=None)
@given(VALUES, VALUES, st.sampled_from(TOKENISED), st.sampled_from(TOKENISED))
def test_only_the_same_value_of_the_same_kind_has_the_same_key(pseudonyms, a, b, one, other):
    same = a == b and one is other
    assert (pseudonyms.key(one, a) == pseudonyms.key(other, b)) == same


def test_other_keys_give_other_tokens(pseudonyms, tmp_path):
    other = Pseudonyms(make_keyring(tmp_path / "k.json", NOW))
    assert other.key(EMAIL, "a@b.c") != pseudonyms.key(EMAIL, "a@b.c")
    again = Pseudonyms(make_keyring(tmp_path / "k.json", NOW))
    assert other.key(EMAIL, "a@b.c") == again.key(EMAIL, "a@b.c")


@settings(deadline=None)
@given(st.sampled_from(TOKENISED), VALUES)
def test_what_is_sealed_can_be_unsealed_by_its_key(pseudonyms, kind, value):
    key = pseudonyms.key(kind, value)
    sealed = pseudonyms.seal(kind, value, key)
    assert sealed is not None
    assert pseudonyms.unseal(key, sealed) == value
    # a random nonce: the same value never looks the same
    assert pseudonyms.seal(kind, value, key) != sealed


@settings(deadline=None)
@given(st.binary(max_size=5_000), st.binary(max_size=100))
def test_bytes_are_sealed_too(pseudonyms, data, about):
    sealed = pseudonyms.seal_bytes(data, about)
    assert sealed.startswith("s1.")
    assert pseudonyms.unseal_bytes(sealed, about) == data
    with pytest.raises(PrivacyError):
        pseudonyms.unseal_bytes(sealed, about + b"x")


@settings(deadline=None)
@given(st.data())
def test_a_changed_seal_does_not_open(pseudonyms, data):
    key = pseudonyms.key(EMAIL, "ada@example.org")
    sealed = pseudonyms.seal(EMAIL, "ada@example.org", key) or ""
    place = data.draw(st.integers(0, len(sealed) - 2))
    letter = data.draw(st.sampled_from("As1.-_ \0é"))
    changed = sealed[:place] + letter + sealed[place + 1 :]
    if changed != sealed:
        with pytest.raises(PrivacyError) as caught:
            pseudonyms.unseal(key, changed)
        assert "\n" not in str(caught.value)
        assert "ada@" not in str(caught.value)


@settings(deadline=None)
@given(st.text())
def test_no_text_but_a_seal_opens(pseudonyms, text):
    with pytest.raises(PrivacyError):
        pseudonyms.unseal("email:t1.x", text)


def test_a_seal_belongs_to_one_identifier_and_one_key_file(pseudonyms, tmp_path):
    key, other = pseudonyms.key(EMAIL, "a@b.c"), pseudonyms.key(EMAIL, "d@e.f")
    sealed = pseudonyms.seal(EMAIL, "a@b.c", key) or ""
    with pytest.raises(PrivacyError, match="does not belong"):
        pseudonyms.unseal(other, sealed)
    foreign = Pseudonyms(make_keyring(tmp_path / "k.json", NOW))
    with pytest.raises(PrivacyError, match="does not belong"):
        foreign.unseal(key, sealed)
    with pytest.raises(PrivacyError, match="version 2, which is not in"):
        pseudonyms.unseal(key, "s2" + sealed[2:])


def test_kinds_can_be_set(keyring):
    mine = Pseudonyms(keyring, {"device": "token", "email": "clear", "phone": "token"})
    assert is_token(mine.key(DEVICE, "d"))
    assert mine.seal(DEVICE, "d", "device:x") is None
    assert mine.key(EMAIL, "a@b.c") == "email:a@b.c"
    assert mine.seal(PHONE, "+49", "phone:x") is None
    for wrong in ({"spoon": "clear"}, {"email": "secret"}):
        with pytest.raises(SettingsError, match="RINGTRACE_PRIVACY_KINDS"):
            Pseudonyms(keyring, wrong)


def test_kinds_from_the_environment(monkeypatch, path):
    monkeypatch.setenv("RINGTRACE_PRIVACY_KINDS", '{"device": "token+sealed"}')
    monkeypatch.setenv("RINGTRACE_PRIVACY_PHONE_REGION", "DE")
    mine = load_pseudonyms(path, PrivacySettings())
    assert is_token(mine.key(DEVICE, "d"))
    assert mine.key(PHONE, "+493012345") in mine.keys_of("030 12345")


@pytest.mark.parametrize("region", ["de", "XX", "", "Germany"])
def test_an_unknown_country_is_refused(monkeypatch, region):
    monkeypatch.setenv("RINGTRACE_PRIVACY_PHONE_REGION", region)
    with pytest.raises(ValidationError, match="no such country"):
        PrivacySettings()


def test_old_versions_still_open_and_held_kinds_keep_their_tokens(tmp_path):
    before, after = two_versions(tmp_path)
    tax = KINDS["tax_id"]
    assert before.key(tax, "1") == after.key(tax, "1")
    assert before.key(EMAIL, "a@b.c") != after.key(EMAIL, "a@b.c")
    assert after.key(EMAIL, "a@b.c").startswith("email:t2.")
    key = before.key(EMAIL, "a@b.c")
    assert after.unseal(key, before.seal(EMAIL, "a@b.c", key) or "") == "a@b.c"
    assert (after.seal(EMAIL, "a@b.c", key) or "").startswith("s2.")


def test_a_text_means_every_key_it_could_be(tmp_path):
    before, after = two_versions(tmp_path)
    key, old = after.key(EMAIL, "ada@example.org"), before.key(EMAIL, "ada@example.org")
    assert after.keys_of(key) == [key]
    assert after.keys_of(old) == [old]
    assert after.keys_of("email: Ada@Example.org ") == [key, old]
    anything = after.keys_of(" Ada@Example.org")
    assert {key, old, "device:Ada@Example.org", "advertising_id:ada@example.org"} <= set(anything)
    assert not any(k.startswith(("ip:", "phone:")) for k in anything)
    assert after.keys_of("ip:2001:DB8::1") == ["ip:2001:db8::/64", "ip:2001:DB8::1"]
    assert after.keys_of("ip:2001:db8::/64") == ["ip:2001:db8::/64"]
    assert "ip:203.0.113.9" in after.keys_of("203.0.113.9")
    assert before.keys_of("device: d-4") == ["device:d-4", "device: d-4"]
    assert after.keys_of("email:") == []
    assert after.keys_of("") == []
    assert after.keys_of("email:\udcff")


@settings(deadline=None)
@given(st.sampled_from(list(KINDS.values())), st.text(max_size=60))
def test_whatever_is_typed_for_a_kind_finds_its_key(pseudonyms, kind, text):
    from graph.normalise import NormaliseError, normalise

    try:
        value = normalise(kind.normaliser, text.encode("utf-8", "replace").decode().strip())
    except NormaliseError:
        return
    keys = pseudonyms.keys_of(f"{kind.name}:{text}")
    if value and not is_token(f"{kind.name}:{value}"):
        assert pseudonyms.key(kind, value) in keys


def test_no_key_says_a_tokenised_value(pseudonyms):
    for key in pseudonyms.keys_of("email:ada@example.org"):
        assert "ada" not in key
        assert "ada" not in label(key, None)


def test_labels_show_a_part_of_the_token(pseudonyms):
    key = pseudonyms.key(KINDS["payment_instrument"], "4111")
    token = key.rpartition(".")[2]
    assert label(key, None) == f"payment instrument {token[:6]}…"


def test_threads_get_the_same_tokens(pseudonyms):
    found: list[list[str]] = []

    def work() -> None:
        found.append([pseudonyms.key(EMAIL, f"{n}@example.org") for n in range(3_000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(keys == found[0] for keys in found)
    assert len(set(found[0])) == 3_000


def test_no_kind_is_named_like_the_word_for_accounts():
    assert "account" not in KINDS
    assert all(isinstance(kind, IdentifierKind) and ":" not in kind.name for kind in KINDS.values())
