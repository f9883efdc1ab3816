"""Roll-ups: what is counted of spans and calls per five minutes, hour and day, so that long windows cost what short do.

Those of log lines, measurements and calls of programs stand in `db.models.rollup_more`.

They follow from the raw rows and can be made anew from them. A histogram says how many values fell into each place of
`db.histogram`, as a document {place: count}; it adds up like everything else here.
"""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Document
from db.models.telemetry import Number

FIVE_MINUTES, HOUR, QUARTER, DAY, WEEK = 300, 3600, 21_600, 86_400, 604_800
# Of what each longer stretch is put together. A day of one agent fills few places of its histogram where few spans come
# in, and all of them where many do: quarters of days, and weeks (from Thursday on, as 1970 began), make a window of
# spans cost about the same in both.
LEVELS = ((FIVE_MINUTES, HOUR), (HOUR, DAY))
LEVELS_OF_SPANS = ((FIVE_MINUTES, HOUR), (HOUR, QUARTER), (QUARTER, DAY), (DAY, WEEK))
# Lower ends of the ranges of the chart of latencies, in milliseconds; below the first lies one more.
EDGES_MS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
# Families of rows that are rolled up, kept and deleted together: spans with the calls they prove; log lines;
# measurements but for watched time, which is kept exactly; calls of programs.
SPANS, LOGS, MEASUREMENTS, API = "spans", "logs", "measurements", "api"
FAMILY_OF = {
    "spans": SPANS,
    "calls": SPANS,
    "agent_logs": LOGS,
    "system_metrics": MEASUREMENTS,
    "api_logs": API,
}


class Touched(Base):
    """Five minutes whose raw rows changed since they were rolled up. Written by whoever changed them, in the same
    transaction; read besides the roll-ups until the next roll-up takes it away."""

    __tablename__ = "rollup_touched"

    id: Mapped[int] = mapped_column(Number, Identity(), primary_key=True, doc="Number of the note.")
    family: Mapped[str] = mapped_column(
        Text, doc="Which rows changed: spans, with the calls they prove; logs; measurements; or api."
    )
    start: Mapped[int] = mapped_column(
        BigInteger, doc="Start of the five minutes in seconds since 1970-01-01 UTC, a multiple of 300."
    )

    __table_args__ = (Index("idx_rollup_touched", "family", "start"),)


class Kept(Base):
    """Since when rows of a family are kept: what is older was deleted, by the settings, and is not counted anew."""

    __tablename__ = "rollup_kept"

    family: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="spans, with the calls they prove; logs; measurements; or api."
    )
    raw_from: Mapped[int] = mapped_column(
        BigInteger, doc="Raw rows are kept from then on, seconds since 1970-01-01 UTC, a multiple of 300."
    )
    five_from: Mapped[int] = mapped_column(
        BigInteger, server_default=text("0"), doc="The same of roll-ups of five minutes, a multiple of 86400."
    )
    hour_from: Mapped[int] = mapped_column(
        BigInteger, server_default=text("0"), doc="The same of roll-ups of hours, a multiple of 86400."
    )


class FleetRollup(Base):
    """All spans of one stretch of time but those of the application's own parts."""

    __tablename__ = "fleet_rollups"

    resolution: Mapped[int] = mapped_column(
        Integer,
        primary_key=True,
        autoincrement=False,
        doc="Length in seconds: 300, 3600, 21600, 86400 or 604800.",
    )
    start: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        doc="Start in seconds since 1970-01-01 UTC, a multiple of the resolution.",
    )
    spans: Mapped[int] = mapped_column(BigInteger, doc="Spans that start in the stretch.")
    errors: Mapped[int] = mapped_column(BigInteger, doc="Those of them that report an error.")
    traces: Mapped[int] = mapped_column(
        BigInteger,
        doc="Traces, counted in the five minutes in which they begin; one that was silent for five whole minutes of "
        "the clock and goes on counts again.",
    )
    input_tokens: Mapped[int] = mapped_column(BigInteger, doc="Tokens sent to models, as model spans say.")
    input_spans: Mapped[int] = mapped_column(BigInteger, doc="Model spans that say so.")
    output_tokens: Mapped[int] = mapped_column(BigInteger, doc="Tokens models answered, as model spans say.")
    output_spans: Mapped[int] = mapped_column(BigInteger, doc="Model spans that say so.")
    histogram: Mapped[Any] = mapped_column(Document, doc="Durations in nanoseconds by place: {place: spans}.")
    ranges: Mapped[Any] = mapped_column(
        Document, doc="Durations by the ranges of the chart, which are exact: {number of the range: spans}."
    )


class AgentRollup(Base):
    """The spans of one agent and service in one stretch of time; the application's own parts are left out.

    When an agent is deleted its rows stay as nobody's, as its spans do.
    """

    __tablename__ = "agent_rollups"

    id: Mapped[int] = mapped_column(Number, Identity(), primary_key=True, doc="Number of the row.")
    resolution: Mapped[int] = mapped_column(
        Integer, doc="Length in seconds: 300, 3600, 21600, 86400 or 604800."
    )
    start: Mapped[int] = mapped_column(
        BigInteger, doc="Start in seconds since 1970-01-01 UTC, a multiple of the resolution."
    )
    agent_id: Mapped[str | None] = mapped_column(
        ForeignKey("agents.id", ondelete="SET NULL"), doc="Agent the spans belong to; null = nobody."
    )
    service: Mapped[str] = mapped_column(Text, doc="service.name of the resource that sent them.")
    spans: Mapped[int] = mapped_column(BigInteger, doc="Spans that start in the stretch.")
    errors: Mapped[int] = mapped_column(BigInteger, doc="Those of them that report an error.")
    input_tokens: Mapped[int] = mapped_column(BigInteger, doc="Tokens sent to models, as model spans say.")
    input_spans: Mapped[int] = mapped_column(BigInteger, doc="Model spans that say so.")
    output_tokens: Mapped[int] = mapped_column(BigInteger, doc="Tokens models answered, as model spans say.")
    output_spans: Mapped[int] = mapped_column(BigInteger, doc="Model spans that say so.")
    good_tasks: Mapped[int] = mapped_column(BigInteger, doc="Finished tasks whose status is ok.")
    failed_tasks: Mapped[int] = mapped_column(BigInteger, doc="Finished tasks whose status is error.")
    silent_tasks: Mapped[int] = mapped_column(BigInteger, doc="Finished tasks that report no status.")
    silent_after: Mapped[int] = mapped_column(
        BigInteger, doc="Those of them that start after the service reported its first status of the stretch."
    )
    reported_ns: Mapped[int | None] = mapped_column(
        BigInteger,
        doc="Start of the first span that reports a status, nanoseconds since 1970-01-01 UTC; null = none does.",
    )
    histogram: Mapped[Any] = mapped_column(Document, doc="Durations in nanoseconds by place: {place: spans}.")

    __table_args__ = (
        Index("idx_agent_rollups_start", "resolution", "start"),
        Index("idx_agent_rollups_agent", "agent_id", "resolution", "start"),
    )


class CallRollup(Base):
    """The calls of one kind from one agent to another in one stretch of time; the application's own parts are left
    out."""

    __tablename__ = "call_rollups"

    resolution: Mapped[int] = mapped_column(
        Integer,
        primary_key=True,
        autoincrement=False,
        doc="Length in seconds: 300, 3600, 21600, 86400 or 604800.",
    )
    start: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        doc="Start in seconds since 1970-01-01 UTC, a multiple of the resolution.",
    )
    caller_id: Mapped[str] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True, doc="Agent that asks."
    )
    callee_id: Mapped[str] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True, doc="Agent that is asked."
    )
    kind: Mapped[str] = mapped_column(Text, primary_key=True, doc="data, command or sync.")
    calls: Mapped[int] = mapped_column(BigInteger, doc="Calls that start in the stretch.")
    errors: Mapped[int] = mapped_column(BigInteger, doc="Those of them that failed.")
    answered: Mapped[int] = mapped_column(BigInteger, doc="Those of them with a latency.")
    histogram: Mapped[Any] = mapped_column(Document, doc="Latencies in nanoseconds by place: {place: calls}.")

    __table_args__ = (
        Index("idx_call_rollups_caller", "caller_id", "resolution", "start"),
        Index("idx_call_rollups_callee", "callee_id", "resolution", "start"),
    )
