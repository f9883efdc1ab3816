"""Roll-ups of log lines, measurements and calls of programs, per five minutes, hour and day as those of spans.

They follow from the raw rows and can be made anew from them. Distinct values, such as clients, do not add up and are
counted from raw rows; so are endpoints, of which an imported log may name as many as it has lines.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Document, Exact, Key
from db.models.telemetry import Number

RESOLUTION = "Length in seconds: 300, 3600 or 86400."
START = "Start in seconds since 1970-01-01 UTC, a multiple of the resolution."


class LogRollup(Base):
    """The log lines of one agent and level in one stretch of time. They go with their agent, as its lines do."""

    __tablename__ = "log_rollups"

    resolution: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, doc=RESOLUTION)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, doc=START)
    agent_id: Mapped[str] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True, doc="Agent that wrote the lines."
    )
    log_level: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="debug, info, warning, error or critical."
    )
    lines: Mapped[int] = mapped_column(BigInteger, doc="Lines whose moment lies in the stretch.")

    __table_args__ = (Index("idx_log_rollups_agent", "agent_id", "resolution", "start"),)


class MeasurementRollup(Base):
    """The measurements of one series in one stretch of time: those of one name, unit, source and attributes.

    Watched time (collector.up_seconds and collector.down_seconds) is left out: uptime is kept exactly.
    """

    __tablename__ = "measurement_rollups"

    id: Mapped[int] = mapped_column(Number, Identity(), primary_key=True, doc="Number of the row.")
    resolution: Mapped[int] = mapped_column(Integer, doc=RESOLUTION)
    start: Mapped[int] = mapped_column(BigInteger, doc=START)
    metric_type: Mapped[str] = mapped_column(Text, doc="Name of what was measured.")
    metric_unit: Mapped[str] = mapped_column(Text, doc="Unit of the values; empty = none or unknown.")
    source: Mapped[str] = mapped_column(Text, doc="Who took the measurements; empty = unknown.")
    labels: Mapped[str] = mapped_column(
        Text, doc="Attributes that tell the series from others of its name, as JSON text; empty = none."
    )
    n: Mapped[int] = mapped_column(BigInteger, doc="Measurements that have a value.")
    missing: Mapped[int] = mapped_column(BigInteger, doc="Measurements of which no value was obtained.")
    total: Mapped[Decimal] = mapped_column(
        Exact(38, 6),
        doc="Sum of the values; on SQLite to about 15 digits, as it keeps the values themselves.",
    )
    least: Mapped[Decimal | None] = mapped_column(Exact(24, 6), doc="Smallest value; null = there is none.")
    most: Mapped[Decimal | None] = mapped_column(Exact(24, 6), doc="Largest value; null = there is none.")
    histogram: Mapped[Any] = mapped_column(Document, doc="Values by place of amounts: {place: values}.")

    __table_args__ = (
        Index("idx_measurement_rollups_start", "resolution", "start"),
        Index("idx_measurement_rollups_series", "metric_type", "resolution", "start"),
    )


class ApiRollup(Base):
    """The calls of programs that one person is behind, by method and status, in one stretch of time.

    Who may read the calls may read what is counted of them. When a profile is deleted its rows stay as nobody's, as its
    calls do.
    """

    __tablename__ = "api_rollups"

    id: Mapped[int] = mapped_column(Number, Identity(), primary_key=True, doc="Number of the row.")
    resolution: Mapped[int] = mapped_column(Integer, doc=RESOLUTION)
    start: Mapped[int] = mapped_column(BigInteger, doc=START)
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person behind the calls; null = unknown.",
    )
    method: Mapped[str] = mapped_column(Text, doc="HTTP method of the calls.")
    status_code: Mapped[int] = mapped_column(Integer, doc="HTTP status of the answers.")
    calls: Mapped[int] = mapped_column(BigInteger, doc="Calls logged in the stretch.")
    timed: Mapped[int] = mapped_column(BigInteger, doc="Those of them that state a response time.")
    histogram: Mapped[Any] = mapped_column(
        Document, doc="Response times in milliseconds by place of amounts: {place: calls}."
    )

    __table_args__ = (
        Index("idx_api_rollups_start", "resolution", "start"),
        Index("idx_api_rollups_user_id", "user_id"),
    )
