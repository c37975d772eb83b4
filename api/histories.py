"""How rings came to be, as JSON."""

from pydantic import BaseModel, Field

from graph.lineage import Lineage, Relative
from graph.model import RiskLevel
from graph.ring_changes import ChangeRecord, DetectionRun, NetDifference
from graph.times import rfc3339


class RunOut(BaseModel):
    """A detection run."""

    run_id: str
    at: str | None = Field(description="time of the graph when it began")

    @classmethod
    def of(cls, run: DetectionRun) -> "RunOut":
        """The JSON form of a run."""
        return cls(run_id=run.run_id, at=rfc3339(run.at))


class ChangeOut(BaseModel):
    """One thing that a run did to a ring; changes in order add up."""

    run_id: str
    at: str | None
    kind: str
    joined: list[str]
    left: list[str]
    score_before: int | None
    score_after: int | None
    level_before: str | None
    level_after: str | None
    others: list[str] = Field(
        description="born: rings it came out of, absorbed: those taken over, split: those that "
        "came out of it, merged: the one that took it over"
    )

    @classmethod
    def of(cls, record: ChangeRecord) -> "ChangeOut":
        """The JSON form of a change."""
        change = record.change
        return cls(
            run_id=record.run.run_id,
            at=rfc3339(record.run.at),
            kind=change.kind.value,
            joined=list(change.joined),
            left=list(change.left),
            score_before=change.score_before,
            score_after=change.score_after,
            level_before=_value(change.level_before),
            level_after=_value(change.level_after),
            others=list(change.others),
        )


class NetOut(BaseModel):
    """What the changes come to: who came and left again is not in it."""

    joined: list[str]
    left: list[str]
    score_before: int | None = Field(description="null when it was not born yet")
    score_after: int | None = Field(description="null when it ended")
    level_before: str | None
    level_after: str | None
    absorbed: list[str] = Field(description="rings that it took over")
    split_into: list[str] = Field(description="rings that came out of it")

    @classmethod
    def of(cls, net: NetDifference) -> "NetOut":
        """The JSON form of a difference."""
        return cls(
            joined=list(net.joined),
            left=list(net.left),
            score_before=net.score_before,
            score_after=net.score_after,
            level_before=_value(net.level_before),
            level_after=_value(net.level_after),
            absorbed=list(net.absorbed),
            split_into=list(net.split_into),
        )


class ChangesPage(BaseModel):
    """A page of a ring's changes, oldest first."""

    ring_id: str
    as_of: RunOut | None = Field(description="the last run that counts in this answer")
    changes: list[ChangeOut]
    net: NetOut | None = Field(description="of all changes since then; on the first page only")
    next_cursor: str | None = Field(description="null on the last page")


class RelativeOut(BaseModel):
    """A ring in the lineage of another."""

    ring_id: str
    status: str
    size: int = Field(description="at its end, for one that is closed")
    risk_score: int
    risk_level: str
    first_seen: str | None
    last_seen: str | None
    born_at: str | None
    closed_at: str | None
    merged_into: str | None = Field(description="the ring that took it over")
    distance: int
    via: list[str] = Field(description="the rings one step nearer that it is next to")

    @classmethod
    def of(cls, relative: Relative) -> "RelativeOut":
        """The JSON form of a relative."""
        return cls(
            ring_id=relative.ring_id,
            status=relative.status.value,
            size=relative.size,
            risk_score=relative.risk_score,
            risk_level=relative.risk_level.value,
            first_seen=rfc3339(relative.first_seen),
            last_seen=rfc3339(relative.last_seen),
            born_at=rfc3339(relative.born_at),
            closed_at=rfc3339(relative.closed_at),
            merged_into=relative.merged_into,
            distance=relative.distance,
            via=list(relative.via),
        )


class LineageOut(BaseModel):
    """A ring's relatives in each direction, nearest first."""

    ring_id: str
    parents: list[RelativeOut] = Field(description="those it came out of, and theirs")
    children: list[RelativeOut] = Field(description="those that came out of it, and theirs")
    absorbed: list[RelativeOut] = Field(description="those it took over, and theirs")
    merged_into: list[RelativeOut] = Field(description="who took it over; its id leads there")
    is_cut: bool = Field(description="whether there are more")

    @classmethod
    def of(cls, ring_id: str, lineage: Lineage) -> "LineageOut":
        """The JSON form of a lineage."""
        return cls(
            ring_id=ring_id,
            parents=[RelativeOut.of(each) for each in lineage.parents],
            children=[RelativeOut.of(each) for each in lineage.children],
            absorbed=[RelativeOut.of(each) for each in lineage.absorbed],
            merged_into=[RelativeOut.of(each) for each in lineage.merged_into],
            is_cut=lineage.is_cut,
        )


def _value(level: RiskLevel | None) -> str | None:
    return None if level is None else level.value
