import base64
import json
import os
import threading
from pathlib import Path

import pytest

from graph.errors import PrivacyError
from graph.keyring import Keyring, add_version, load_keyring, make_keyring, promote

NOW = 1_760_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "world" / "keys" / "pseudonyms.json"


def content(path: Path) -> dict:
    return json.loads(path.read_text())


def secrets_of(path: Path) -> list[str]:
    return [key["master"] for key in content(path)["keys"].values()]


def test_the_file_is_for_this_user_only(path):
    mask = os.umask(0)
    try:
        make_keyring(path, NOW)
        add_version(path, NOW)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_there_is_never_made_anew(path):
    first = make_keyring(path, NOW)
    before = path.read_bytes()
    assert make_keyring(path, NOW + 1).fingerprint == first.fingerprint
    assert path.read_bytes() == before


def test_two_that_make_it_at_once_get_the_same(path):
    found: list[Keyring] = []
    threads = [
        threading.Thread(target=lambda: found.append(make_keyring(path, NOW))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({keyring.fingerprint for keyring in found}) == 1
    assert len(found) == 8


def test_every_key_is_another(path, tmp_path):
    one, other = make_keyring(path, NOW), make_keyring(tmp_path / "other.json", NOW)
    two = add_version(path, NOW)
    keys = [
        key
        for ring in (one, other, two)
        for version in ring.versions.values()
        for key in (version.token_key, version.sealing_key)
    ]
    # version 1 of the same file is in it twice
    assert len(set(keys)) == len(keys) - 2
    assert {len(key) for key in keys} == {32}


def test_a_pending_version_changes_nothing_before_it_is_promoted(path):
    first = make_keyring(path, NOW)
    waiting = add_version(path, NOW)
    assert (waiting.version, waiting.pending) == (1, 2)
    assert waiting.fingerprint == first.fingerprint
    assert add_version(path, NOW) == waiting
    assert waiting.version_of("email") == 1
    promoted = promote(path, 2, {"tax_id": 1})
    assert promoted == load_keyring(path)
    assert (promoted.version, promoted.pending) == (2, None)
    assert promoted.fingerprint == waiting.fingerprint_of(2) != first.fingerprint
    assert (promoted.version_of("email"), promoted.version_of("tax_id")) == (2, 1)
    assert set(promoted.versions) == {1, 2}


def test_promoting_twice_is_promoting_once(path):
    make_keyring(path, NOW)
    add_version(path, NOW)
    once = promote(path, 2, {"tax_id": 1})
    assert promote(path, 2, {}) == once


def test_versions_are_never_reused(path):
    make_keyring(path, NOW)
    for number in (2, 3, 4):
        assert add_version(path, NOW).pending == number
        promote(path, number, {})
    assert set(load_keyring(path).versions) == {1, 2, 3, 4}
    assert len(set(secrets_of(path))) == 4


def test_secrets_are_in_no_text_of_it(path):
    keyring = make_keyring(path, NOW)
    shown = repr(keyring) + repr(keyring.versions[1]) + keyring.fingerprint
    for key in (keyring.current.token_key, keyring.current.sealing_key):
        for text in (base64.urlsafe_b64encode(key).decode()[:40], key.hex(), repr(key)[2:20]):
            assert text not in shown
    assert secrets_of(path)[0][:20] not in shown


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:0],
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace('"master": "', '"master": "AAAA'),
        lambda text: text.replace('"master": "', '"master": "!'),
        lambda text: text.replace('"1": {', '"one": {'),
        lambda text: text.replace('"1": {', '"0": {'),
        lambda text: text.replace('"keys"', '"kees"'),
        lambda text: f"[{text}]",
        lambda text: text.replace("}\n}", "}") + '\n, "pending": 7}',
        lambda text: "\xff" + text,
    ],
)
def test_a_damaged_file_is_one_line_without_its_secrets(path, damage):
    make_keyring(path, NOW)
    secret = secrets_of(path)[0]
    path.write_text(damage(path.read_text()), "latin-1")
    for use in (load_keyring, lambda p: make_keyring(p, NOW), lambda p: add_version(p, NOW)):
        before = path.read_bytes()
        with pytest.raises(PrivacyError) as caught:
            use(path)
        assert "restore it" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert secret[4:20] not in str(caught.value)
        assert path.read_bytes() == before


def test_a_missing_file_is_said_and_not_made(path):
    for use in (load_keyring, lambda p: add_version(p, NOW), lambda p: promote(p, 2, {})):
        with pytest.raises(PrivacyError, match="is missing"):
            use(path)
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PrivacyError, match="the key folder"):
        make_keyring(tmp_path / "file" / "keys" / "pseudonyms.json", NOW)
