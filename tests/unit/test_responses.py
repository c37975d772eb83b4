import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.responses import decode_id, next_cursor, read_cursor
from graph.errors import InputError

_texts = st.text()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@settings(deadline=None)
@given(st.integers(-(2**63) + 1, 2**63 - 1), _texts)
def test_a_cursor_leads_back_to_its_row(number, text):
    cursor = next_cursor((number, text), 10, 10)
    assert read_cursor(cursor) == (number, text)
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in cursor)


def test_a_page_that_is_not_full_is_the_last():
    assert next_cursor((1, "a"), 9, 10) is None
    assert next_cursor((1, "a"), 0, 10) is None
    assert read_cursor(None) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"5",
        b"[]",
        b"[1]",
        b'[1, "a", 2]',
        b'["a", 1]',
        b'[1.5, "a"]',
        b'[NaN, "a"]',
        b"[1, null]",
        b"[1, 2]",
        b'[1, ["a"]]',
        b'"ab"',
        b'{"a": 1, "b": 2}',
        b'[9223372036854775808, "a"]',
        b"[" + b"9" * 5000 + b', "a"]',
        b'[1, "\\ud800"]',
        b"\xff",
        b"[" * 40_000,
        b"[" * 40_000 + b"]" * 40_000,
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(value):
    with pytest.raises(InputError) as caught:
        read_cursor(encoded(value))
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(_texts | st.binary().map(encoded))
def test_any_cursor_is_read_or_refused(cursor):
    try:
        found = read_cursor(cursor)
    except InputError:
        return
    number, text = found
    assert abs(number) < 2**63
    assert text.encode() is not None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(_json)
def test_any_json_as_a_cursor_is_read_or_refused(value):
    try:
        number, text = read_cursor(encoded(json.dumps(value).encode()))
    except InputError:
        return
    assert [number, text] == value


@settings(deadline=None)
@given(_texts)
def test_an_id_comes_back_from_a_path(text):
    assert decode_id("~" + encoded(text.encode())) == text


@settings(deadline=None)
@given(_texts.filter(lambda text: not text.startswith("~")))
def test_a_plain_id_is_itself(text):
    assert decode_id(text) == text


@pytest.mark.parametrize("text", ["~a", "~é", "~a b", "~YQ!", "~_w", "~\x00", "~~", "~Y=Q"])
def test_an_id_that_is_no_base64url_is_refused(text):
    with pytest.raises(InputError) as caught:
        decode_id(text)
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(_texts)
def test_any_id_is_read_or_refused(text):
    with suppress(InputError):
        assert isinstance(decode_id("~" + text), str)
