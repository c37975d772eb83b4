"""Delivering the outbox: signed webhooks (Standard Webhooks 1.0), tried until they arrive."""

import base64
import hashlib
import hmac
import ipaddress
import logging
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx

from detection.settings import EscalationSettings
from graph import metrics, outbox
from graph.errors import SettingsError, StoreAwayError
from graph.jobs import tell_late
from graph.store import GraphStore
from graph.times import now_ms

log = logging.getLogger("ringtrace.escalation")

#: waits after each failed try, seconds (Standard Webhooks); a day in all, then it has failed
BACKOFF_S = (5, 300, 1_800, 7_200, 18_000, 28_800, 28_800)
BATCH = 50
#: IPv4-compatible, translated and NAT64 addresses
_ENDS_IN_IPV4 = [ipaddress.ip_network(n) for n in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96")]
POLL_S = 1.0
#: seconds between two looks at whether jobs are late; the first is after that, for a service that
#: begins to say by when its jobs are due
_JOBS_S = 60.0


def sign(secret: bytes, message_id: str, timestamp: int, body: str) -> str:
    """The `webhook-signature` header of a message; timestamp in seconds."""
    content = f"{message_id}.{timestamp}.{body}".encode()
    digest = hmac.new(secret, content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def read_secret(settings: EscalationSettings) -> bytes:
    """The signing key of 24 to 64 bytes; SettingsError when there is none or it is malformed."""
    if settings.webhook_secret_file is not None:
        try:
            text = settings.webhook_secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"RINGTRACE_ESCALATION_WEBHOOK_SECRET_FILE: {error}") from error
    elif settings.webhook_secret is not None:
        text = settings.webhook_secret.get_secret_value()
    else:
        raise SettingsError("a webhook needs RINGTRACE_ESCALATION_WEBHOOK_SECRET or …_FILE")
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError as error:
        raise SettingsError("the webhook secret must be whsec_ and base64") from error
    if not 24 <= len(key) <= 64:
        raise SettingsError(f"the webhook secret has {len(key)} bytes; it needs 24 to 64")
    return key


def deliver(store: GraphStore, settings: EscalationSettings, stop: threading.Event) -> None:
    """Empty the outbox for ever, until `stop` is set; and tell of jobs of others that are late."""
    secret = read_secret(settings)
    url = settings.webhook_url
    if url is None:
        raise SettingsError("there is nobody to deliver to: set RINGTRACE_ESCALATION_WEBHOOK_URL")
    check_receiver(url, settings.allow_private_addresses)
    look_at = time.monotonic() + _JOBS_S
    with httpx.Client(timeout=settings.timeout_seconds, follow_redirects=False) as client:
        while not stop.is_set():
            try:
                if time.monotonic() >= look_at:
                    tell_late(store, now_ms())
                    look_at = time.monotonic() + _JOBS_S
                sent = deliver_due(store, settings, client, secret, now_ms())
            except StoreAwayError as error:
                log.warning("%s", error)
                sent = 0
            if sent < BATCH:
                stop.wait(POLL_S)


def deliver_due(
    store: GraphStore, settings: EscalationSettings, client: httpx.Client, secret: bytes, now: int
) -> int:
    """Try every message that is due at `now` (milliseconds) once; returns how many were tried."""
    pending = outbox.due(store, now, BATCH)
    for message in pending:
        url = str(settings.webhook_url)
        try:
            check_receiver(url, settings.allow_private_addresses)
            answer = client.post(
                url, content=message.body, headers=_headers(secret, message, now // 1000)
            )
            outcome, arrived = f"HTTP {answer.status_code}", answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL, SettingsError) as error:
            outcome, arrived = f"{type(error).__name__}: {error}", False
        _note(store, message, arrived, outcome, now)
    return len(pending)


def check_receiver(url: str, allow_private: bool) -> None:
    """SettingsError for a URL that is not HTTP or that leads into a private network."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError as error:
        raise SettingsError(f"RINGTRACE_ESCALATION_WEBHOOK_URL: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError("RINGTRACE_ESCALATION_WEBHOOK_URL must be an http or https address")
    if allow_private:
        return
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"the webhook receiver {host} is unknown: {error}") from error
    if not all(_is_public(ipaddress.ip_address(entry[4][0])) for entry in found):
        raise SettingsError(
            f"the webhook receiver {host} is on a private network; allow it with "
            "RINGTRACE_ESCALATION_ALLOW_PRIVATE_ADDRESSES=true"
        )


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _ENDS_IN_IPV4):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast


def _headers(secret: bytes, message: outbox.Pending, timestamp: int) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": "ringtrace",
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message.id, timestamp, message.body),
    }


def _note(
    store: GraphStore, message: outbox.Pending, arrived: bool, outcome: str, now: int
) -> None:
    if arrived:
        state, wait = "delivered", 0
    elif message.attempts < len(BACKOFF_S):
        state, wait = "waiting", BACKOFF_S[message.attempts]
        # up to a tenth more, so that a thousand messages do not come back at one moment
        wait += wait * hashlib.blake2b(message.id.encode(), digest_size=1).digest()[0] // 2560
    else:
        state, wait = "failed", 0
    if not arrived:
        log.warning("webhook %s: %s; %s", message.id, outcome, state)
    outbox.note(store, message.id, state, now + wait * 1000, outcome)
    metrics.DELIVERIES.labels(state).inc()
