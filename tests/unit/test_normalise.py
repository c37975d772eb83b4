import ipaddress

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.kinds import identifier_kinds
from graph.normalise import NormaliseError, normalise

NORMALISERS = sorted({kind.normaliser for kind in identifier_kinds().values()})
REGIONS = st.sampled_from([None, *sorted(phonenumbers.SUPPORTED_REGIONS)])


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+49 30 / 123-45", None, "+493012345"),
        ("0049 30 12345", None, "+493012345"),
        ("(+49) 30 12345", None, "+493012345"),
        ("+49 (0)30 12345", None, "+493012345"),
        ("+\uff14\uff19 30 12345", None, "+493012345"),
        ("030 12345", None, "03012345"),
        ("030 12345", "DE", "+493012345"),
        ("0049 30 12345", "US", "+493012345"),
        ("(650) 253-0000 ext. 12", "US", "+16502530000"),
        ("1-650-253-0000 x12", "US", "+16502530000"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("+44 20 7946 0018", "DE", "+442079460018"),
        ("12", "US", "12"),
        ("+999 12 34", None, "+9991234"),
        ("+1 555", None, "+1555"),
        ("unknown", "DE", ""),
        ("+", None, ""),
        ("00", None, ""),
    ],
)
def test_telephone_numbers_become_e164_where_they_can(text, region, expected):
    assert normalise("phone", text, region) == expected


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_national_and_international_spellings_of_a_number_are_one(region):
    number = phonenumbers.example_number(region)
    if number is None:
        pytest.skip("the library has no example of this region")
    expected = normalise("phone", phonenumbers.format_number(number, 0), region)
    assert expected == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for style in (
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
        phonenumbers.PhoneNumberFormat.RFC3966,
    ):
        assert normalise("phone", phonenumbers.format_number(number, style), region) == expected


_DIALLED = st.text("0123456789+-() x#", max_size=24)


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(NORMALISERS), st.text(max_size=60) | _DIALLED, REGIONS)
def test_normalising_twice_changes_nothing(normaliser, text, region):
    try:
        once = normalise(normaliser, text, region)
    except NormaliseError:
        return
    if "/" not in once or normaliser != "ip":
        assert normalise(normaliser, once, region) == once


@settings(deadline=None)
@given(st.ip_addresses())
def test_addresses_have_one_spelling(address):
    found = normalise("ip", f" {address} ")
    if isinstance(address, ipaddress.IPv6Address):
        assert found == normalise("ip", address.exploded.upper())
        whole = str(ipaddress.ip_network(f"{address}/64", strict=False))
        assert found in (whole, str(address.ipv4_mapped))
        network = ipaddress.ip_network(found) if "/" in found else None
        assert network is None or (network.prefixlen == 64 and address in network)
    else:
        assert found == str(address) == normalise("ip", f"::ffff:{address}")


def test_neighbours_in_one_64_are_one_address():
    assert normalise("ip", "2001:db8::1") == normalise("ip", "2001:db8::ffff:1")
    assert normalise("ip", "2001:db8::1") != normalise("ip", "2001:db8:0:1::1")


@settings(deadline=None)
@given(st.text(min_size=3))
def test_a_refusal_does_not_repeat_the_text(text):
    with pytest.raises(NormaliseError) as caught:
        normalise("ip", f"{text}?")
    assert str(caught.value) == "is not an IP address"


@pytest.mark.parametrize("text", ["Ada@Example.COM", " ada@example.com ", "ADA@EXAMPLE.COM"])
def test_mail_addresses_are_lower_case(text):
    assert normalise("email", text) == "ada@example.com"


def test_composed_and_decomposed_letters_are_the_same():
    assert normalise("text", "zo\u00eb") == normalise("text", "zoe\u0308")
    assert normalise("lower", "1  Main\tStreet") == "1 main street"
    assert normalise("text", " AbC ") == "AbC"
