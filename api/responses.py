"""What goes out as JSON, over HTTP and from the command line alike."""

import base64
import binascii
import json

from pydantic import BaseModel, Field

from graph.errors import InputError
from graph.model import AccountSummary, Alert, Flag, Reason, Ring
from graph.times import rfc3339
from graph.views import FlaggedAccount


class ReasonOut(BaseModel):
    """A part of a ring's risk score."""

    code: str
    text: str
    points: int = Field(description="negative for an innocent reading")
    evidence: list[str] = Field(description="node ids that show it")

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        """The JSON form of a reason."""
        return cls(
            code=reason.code,
            text=reason.text,
            points=reason.points,
            evidence=list(reason.evidence),
        )


class IdentifierOut(BaseModel):
    """An identifier that holds a ring together."""

    kind: str
    key: str
    account_count: int


class RingOut(BaseModel):
    """A ring; the points of its reasons add up to its risk score."""

    ring_id: str
    status: str
    risk_score: int
    risk_level: str
    size: int
    account_ids: list[str]
    identifiers: list[IdentifierOut]
    reasons: list[ReasonOut]
    first_seen: str | None
    last_seen: str | None
    parents: list[str]
    innocent_reading: str = Field(
        description="the best innocent explanation, and what is against it"
    )
    fewest_links: list[str] = Field(
        description="node ids without whose links it would not reach the level high"
    )

    @classmethod
    def of(cls, ring: Ring) -> "RingOut":
        """The JSON form of a ring."""
        return cls(
            ring_id=ring.ring_id,
            status=ring.status.value,
            risk_score=ring.risk_score,
            risk_level=ring.risk_level.value,
            size=ring.size,
            account_ids=list(ring.account_ids),
            identifiers=[
                IdentifierOut(kind=i.kind, key=i.key, account_count=i.account_count)
                for i in ring.identifiers
            ],
            reasons=[ReasonOut.of(reason) for reason in ring.reasons],
            first_seen=rfc3339(ring.first_seen),
            last_seen=rfc3339(ring.last_seen),
            parents=list(ring.parents),
            innocent_reading=ring.innocent_reading,
            fewest_links=list(ring.fewest_links),
        )


class RingScoreOut(BaseModel):
    """A ring's score alone."""

    ring_id: str
    risk_score: int
    risk_level: str
    reasons: list[ReasonOut]
    innocent_reading: str
    fewest_links: list[str]


class RingPage(BaseModel):
    """A page of rings, highest risk first."""

    rings: list[RingOut]
    next_cursor: str | None = Field(description="null on the last page")


class FlagOut(BaseModel):
    """A rule's finding as seen from one account."""

    rule: str
    at: str | None
    detail: str

    @classmethod
    def of(cls, flag: Flag) -> "FlagOut":
        """The JSON form of a flag."""
        return cls(rule=flag.rule, at=rfc3339(flag.at), detail=flag.detail)


class AccountOut(BaseModel):
    """One account with its scores and flags."""

    account_id: str
    anomaly_score: int | None = Field(description="0 to 100, high is unusual")
    risk_score: int | None = Field(description="highest score of the open rings it is in")
    ring_ids: list[str]
    flags: list[FlagOut]
    first_seen: str | None
    last_seen: str | None
    event_count: int
    anomaly_reasons: list[str] = Field(description="what drove the anomaly score")

    @classmethod
    def of(cls, account: AccountSummary) -> "AccountOut":
        """The JSON form of an account."""
        return cls(
            account_id=account.account_id,
            anomaly_score=account.anomaly_score,
            risk_score=account.risk_score,
            ring_ids=list(account.ring_ids),
            flags=[FlagOut.of(flag) for flag in account.flags],
            first_seen=rfc3339(account.first_seen),
            last_seen=rfc3339(account.last_seen),
            event_count=account.event_count,
            anomaly_reasons=list(account.anomaly_reasons),
        )


class FlaggedAccountOut(BaseModel):
    """An account and the flags that were asked for."""

    account_id: str
    anomaly_score: int | None
    at: str | None = Field(description="when the latest flag happened")
    flags: list[FlagOut]

    @classmethod
    def of(cls, account: FlaggedAccount) -> "FlaggedAccountOut":
        """The JSON form of a flagged account."""
        return cls(
            account_id=account.account_id,
            anomaly_score=account.anomaly_score,
            at=rfc3339(account.at),
            flags=[FlagOut.of(flag) for flag in account.flags],
        )


class FlaggedPage(BaseModel):
    """A page of flagged accounts, latest flag first."""

    accounts: list[FlaggedAccountOut]
    next_cursor: str | None


class AlertOut(BaseModel):
    """An alert."""

    alert_id: str
    ring_id: str
    at: str | None
    risk_score: int
    risk_level: str
    sequence: int
    detector_version: str
    calibration: str = Field(description="how seldom a benign ring scores so high")

    @classmethod
    def of(cls, alert: Alert) -> "AlertOut":
        """The JSON form of an alert."""
        return cls(
            alert_id=alert.alert_id,
            ring_id=alert.ring_id,
            at=rfc3339(alert.at),
            risk_score=alert.risk_score,
            risk_level=alert.risk_level.value,
            sequence=alert.sequence,
            detector_version=alert.detector_version,
            calibration=alert.calibration,
        )


class AlertPage(BaseModel):
    """A page of alerts, newest first."""

    alerts: list[AlertOut]
    next_cursor: str | None


def next_cursor(last: tuple[int, str], count: int, limit: int) -> str | None:
    """A cursor behind the last row of a page, or None when the page was not full."""
    if count < limit:
        return None
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> tuple[int, str] | None:
    """The place a cursor names; InputError for one we did not make."""
    if cursor is None:
        return None
    try:
        number, text = json.loads(decode_base64(cursor))
        text.encode()
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("this cursor is not one of ours: start again without it") from error
    if not isinstance(number, int) or not isinstance(text, str) or abs(number) >= 2**63:
        raise InputError("this cursor is not one of ours: start again without it")
    return number, text


def decode_id(text: str) -> str:
    """An id from a path: plain, or `~` and base64url for one with reserved characters."""
    if not text.startswith("~"):
        return text
    try:
        return decode_base64(text[1:])
    except (ValueError, binascii.Error) as error:
        raise InputError("an id after ~ must be base64url of UTF-8") from error


def decode_base64(text: str) -> str:
    """Text of base64url without padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
