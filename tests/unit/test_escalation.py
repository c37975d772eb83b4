import base64

import pytest

from detection.escalation import BACKOFF_S, check_receiver, read_secret, sign
from detection.settings import EscalationSettings
from graph.errors import SettingsError

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def settings(**fields: object) -> EscalationSettings:
    given = {"webhook_secret": None, "webhook_secret_file": None} | fields
    return EscalationSettings(**given)


def complaint(function, *arguments) -> str:
    with pytest.raises(SettingsError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_signature_is_that_of_the_published_example():
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, '{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_part_is_signed():
    signatures = {
        sign(KEY, "msg_1", 5, "{}"),
        sign(KEY, "msg_2", 5, "{}"),
        sign(KEY, "msg_1", 6, "{}"),
        sign(KEY, "msg_1", 5, '{"é": 1}'),
        sign(KEY[1:], "msg_1", 5, "{}"),
    }
    assert len(signatures) == 5


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fc00::1]",
        "[fe80::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:0:10.0.0.1]",
        "[::10.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
    ],
)
def test_private_addresses_are_refused_unless_allowed(host):
    assert "private" in complaint(check_receiver, f"https://{host}/hook", False)
    assert "private" in complaint(check_receiver, f"http://user@{host}:8080/hook", False)
    check_receiver(f"https://{host}/hook", True)


@pytest.mark.parametrize(
    "host", ["1.1.1.1", "8.8.8.8", "[2606:4700:4700::1111]", "[64:ff9b::808:808]"]
)
def test_public_addresses_are_taken(host):
    check_receiver(f"https://{host}/hook", False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://1.1.1.1/",
        "file:///etc/passwd",
        "https://",
        "https:///hook",
        "http://[::1",
        "http://1.1.1.1:99999/",
        "http://1.1.1.1:port/",
        "http://[nonsense]/",
    ],
)
@pytest.mark.parametrize("allow", [True, False])
def test_what_is_no_web_address_is_refused(url, allow):
    complaint(check_receiver, url, allow)


@pytest.mark.parametrize("host", ["x" * 64 + ".example", "a..b", "name.invalid"])
def test_an_unknown_name_is_one_clear_line(host):
    complaint(check_receiver, f"https://{host}/", False)


def test_a_secret_is_read_from_the_setting_or_a_file(tmp_path):
    assert read_secret(settings(webhook_secret=SECRET)) == KEY
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    assert read_secret(settings(webhook_secret_file=file)) == KEY
    assert read_secret(settings(webhook_secret="nonsense", webhook_secret_file=file)) == KEY


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_?",
        "whsec_é",
        "whsec_abc",
        "whsec_" + base64.b64encode(KEY[:23]).decode(),
        "whsec_" + base64.b64encode(KEY * 3).decode(),
    ],
)
def test_a_bad_secret_is_refused_and_not_repeated(secret):
    message = complaint(read_secret, settings(webhook_secret=secret))
    assert len(secret) < 8 or secret.removeprefix("whsec_") not in message


def test_a_missing_secret_is_one_clear_line(tmp_path):
    complaint(read_secret, settings())
    complaint(read_secret, settings(webhook_secret_file=tmp_path / "none"))
    complaint(read_secret, settings(webhook_secret_file=tmp_path))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    complaint(read_secret, settings(webhook_secret_file=tmp_path / "binary"))


def test_waits_grow_and_add_up_to_a_day():
    assert list(BACKOFF_S) == sorted(BACKOFF_S)
    assert 20 * 3600 <= sum(BACKOFF_S) <= 28 * 3600
