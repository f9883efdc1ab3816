"""Who is watched, what was heard of them, what that says about every second, and what people declare about it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Document, Exact, Instant, Key, new_id, now, uuid7

STATES = ("up", "down", "unknown", "maintenance", "paused")
JUDGED = ("up", "down", "unknown")
_STATES = ", ".join(f"'{state}'" for state in STATES)
_JUDGED = ", ".join(f"'{state}'" for state in JUDGED)


def _id(doc: str) -> Any:
    return mapped_column(Key, primary_key=True, default=uuid7, server_default=new_id(), doc=doc)


class HeardStretch(Base):
    """Heartbeats of one agent of which each came in time after the one before: a row per stretch, not per beat."""

    __tablename__ = "heard_stretches"

    id: Mapped[UUID] = _id("Identifier of the stretch.")
    agent_id: Mapped[str] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), doc="Agent (agents.id) that was heard."
    )
    first_at: Mapped[datetime] = mapped_column(
        Instant, doc="When the first of them was received, by our clock."
    )
    last_at: Mapped[datetime] = mapped_column(
        Instant, doc="When the last of them was received, by our clock."
    )
    limit_seconds: Mapped[int] = mapped_column(
        Integer,
        doc="How long each speaks for: the declared interval and as much grace; 300 where none is declared.",
    )
    beats: Mapped[int] = mapped_column(BigInteger, server_default=text("1"), doc="How many they are.")

    __table_args__ = (
        CheckConstraint("last_at >= first_at", name="order"),
        CheckConstraint("limit_seconds > 0", name="limit"),
        Index("idx_heard_stretches_agent", "agent_id", first_at.desc()),
    )


class WatchedHour(Base):
    """What the collector watched, put together: its stretches that follow each other within an hour, as one row.

    They are read in place of the measurements they were put together from, up to the last hour that has any.
    """

    __tablename__ = "watched_hours"

    id: Mapped[UUID] = _id("Identifier of the row.")
    hour: Mapped[datetime] = mapped_column(Instant, doc="The hour (UTC) in which its stretches begin.")
    since: Mapped[datetime] = mapped_column(Instant, doc="When the first of them began.")
    seconds: Mapped[Decimal] = mapped_column(
        Exact(24, 6), doc="How long they are together; time told twice counts once."
    )
    is_up: Mapped[bool] = mapped_column(
        Boolean, doc="Whether the database answered the heartbeat before each."
    )
    beats: Mapped[int] = mapped_column(BigInteger, doc="How many heartbeats they are.")

    __table_args__ = (
        Index("idx_watched_hours_hour", "hour"),
        Index("idx_watched_hours_since", since.desc()),
    )


class Check(Base):
    """Something asked over HTTP at an interval, as people define it; or the name of an imported history of checks."""

    __tablename__ = "checks"

    id: Mapped[UUID] = _id("Identifier of the check.")
    name: Mapped[str] = mapped_column(Text, doc="What it is called on screen; no two checks share a name.")
    kind: Mapped[str] = mapped_column(
        Text,
        server_default=text("'http'"),
        doc="http: asked by this application; imported: only its history is here.",
    )
    url: Mapped[str | None] = mapped_column(Text, doc="Address that is asked; null for an imported history.")
    interval_seconds: Mapped[int] = mapped_column(
        Integer, server_default=text("60"), doc="Seconds from one planned check to the next."
    )
    timeout_seconds: Mapped[int] = mapped_column(
        Integer, server_default=text("10"), doc="Seconds after which an answer comes too late."
    )
    expected_status: Mapped[int] = mapped_column(
        Integer, server_default=text("200"), doc="Status of the answer that counts as up."
    )
    confirmations: Mapped[int] = mapped_column(
        Integer,
        server_default=text("2"),
        doc="Failures in a row that make it down; the first of them is the beginning.",
    )
    paused_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Since when a person has kept it paused; null = it is asked."
    )
    due_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When it is to be asked next; null = at once."
    )
    refusal: Mapped[str | None] = mapped_column(
        Text, doc="Why this application would not ask it last time; null = it asked, or was not asked to yet."
    )
    created_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="When it was defined here."
    )
    updated_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="When its definition last changed."
    )

    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("kind IN ('http', 'imported')", name="kind"),
        CheckConstraint("(kind = 'http') = (url IS NOT NULL)", name="url"),
        CheckConstraint("interval_seconds BETWEEN 30 AND 86400", name="interval"),
        CheckConstraint("timeout_seconds BETWEEN 1 AND 30", name="timeout"),
        CheckConstraint("expected_status BETWEEN 100 AND 599", name="status"),
        CheckConstraint("confirmations BETWEEN 1 AND 10", name="confirmations"),
    )


class CheckResult(Base):
    """What one check found, and when it was planned for."""

    __tablename__ = "check_results"

    id: Mapped[UUID] = _id("Identifier of the result; of an imported one, it follows from what its row says.")
    check_id: Mapped[UUID] = mapped_column(
        ForeignKey("checks.id", ondelete="CASCADE"), doc="Check (checks.id) it belongs to."
    )
    at: Mapped[datetime] = mapped_column(
        Instant, doc="When it was planned for, which its time is measured from."
    )
    is_up: Mapped[bool] = mapped_column(Boolean, doc="Whether the expected answer came in time.")
    status: Mapped[int | None] = mapped_column(Integer, doc="Status of the answer; null = none came.")
    milliseconds: Mapped[float | None] = mapped_column(
        Float, doc="From the planned moment to the answer; null = none came, or its time is not known."
    )
    error: Mapped[str | None] = mapped_column(
        Text, doc="What went wrong, in one word or two; null = nothing did."
    )
    source: Mapped[str | None] = mapped_column(
        Text, doc="File and mark of an imported result; null = this application asked."
    )

    __table_args__ = (Index("idx_check_results_check_at", "check_id", at.desc()),)


class UptimeSubject(Base):
    """Something whose states are told: an agent, a part of this application, or a check."""

    __tablename__ = "uptime_subjects"

    id: Mapped[str] = mapped_column(Text, primary_key=True, doc="agent:ID, part:ID or check:ID.")
    kind: Mapped[str] = mapped_column(Text, doc="agent, part or check.")
    agent_id: Mapped[str | None] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), doc="Agent or part (agents.id) it is; null for a check."
    )
    check_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("checks.id", ondelete="CASCADE"),
        doc="Check (checks.id) it is; null for an agent or a part.",
    )
    observed_since: Mapped[datetime] = mapped_column(
        Instant, doc="The first observation, to the second: before it nothing is told."
    )
    settled_until: Mapped[datetime] = mapped_column(
        Instant, doc="Up to when its states are told; what comes later is not judged yet."
    )

    __table_args__ = (
        CheckConstraint("kind IN ('agent', 'part', 'check')", name="kind"),
        CheckConstraint("(kind = 'check') = (check_id IS NOT NULL)", name="check"),
        CheckConstraint("(kind = 'check') = (agent_id IS NULL)", name="agent"),
        UniqueConstraint("agent_id"),
        UniqueConstraint("check_id"),
    )


class StateStretch(Base):
    """One stretch of one state. The current ones of a subject follow each other without gap; a correction adds new ones
    and marks those they stand for. They are deleted only when a setting says so, once their days are summed up."""

    __tablename__ = "state_stretches"

    id: Mapped[UUID] = _id("Identifier of the stretch.")
    subject_id: Mapped[str] = mapped_column(
        ForeignKey("uptime_subjects.id", ondelete="CASCADE"), doc="Whose state (uptime_subjects.id) it is."
    )
    since: Mapped[datetime] = mapped_column(Instant, doc="Its first second.")
    until: Mapped[datetime | None] = mapped_column(
        Instant, doc="The first second after it; null = it lasts, as far as the subject is settled."
    )
    state: Mapped[str] = mapped_column(Text, doc="up, down, unknown, maintenance or paused.")
    reason: Mapped[str] = mapped_column(Text, doc="What the state follows from, as one word.")
    facts: Mapped[Any] = mapped_column(
        Document,
        server_default=text("'{}'"),
        doc="The evidence as JSON: confirmed, last sign of life, failures, maintenance or correction.",
    )
    settled_at: Mapped[datetime] = mapped_column(Instant, doc="When this was told.")
    superseded_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When other stretches took its place; null = it stands."
    )

    __table_args__ = (
        CheckConstraint("until IS NULL OR until > since", name="order"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        Index("idx_state_stretches_subject", "subject_id", since.desc()),
        Index(
            "idx_state_stretches_until",
            "until",
            postgresql_where=text("superseded_at IS NULL"),
            sqlite_where=text("superseded_at IS NULL"),
        ),
    )


class ExemptTime(Base):
    """Time in which nobody is judged: maintenance, declared ahead, and pauses that are over."""

    __tablename__ = "exempt_times"

    id: Mapped[UUID] = _id("Identifier of the declaration.")
    kind: Mapped[str] = mapped_column(Text, doc="maintenance or pause.")
    subject_id: Mapped[str | None] = mapped_column(
        Text,
        doc="Whom it is about, as in uptime_subjects.id, also before it was ever observed; null = everything.",
    )
    starts_at: Mapped[datetime] = mapped_column(Instant, doc="Its first second.")
    ends_at: Mapped[datetime] = mapped_column(Instant, doc="The first second after it.")
    why: Mapped[str] = mapped_column(Text, doc="What it is for, in the words of whoever declared it.")
    declared_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Who declared it (profiles.id); null = not known any more.",
    )
    declared_at: Mapped[datetime] = mapped_column(Instant, doc="When it was declared.")
    edited_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When it was last changed after it had begun; null = never."
    )
    edit_why: Mapped[str | None] = mapped_column(Text, doc="Why it was changed then; null = it was not.")
    cancelled_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When it was called off; null = it stands."
    )
    unsettled_from: Mapped[datetime | None] = mapped_column(
        Instant,
        doc="From when on states have to be told again because of it; null = all that is settled knows of it.",
    )

    __table_args__ = (
        CheckConstraint("kind IN ('maintenance', 'pause')", name="kind"),
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint(
            "kind <> 'maintenance' OR starts_at >= declared_at OR edited_at IS NOT NULL", name="ahead"
        ),
        CheckConstraint("(edited_at IS NULL) = (edit_why IS NULL)", name="reason"),
        Index("idx_exempt_times_ends", "ends_at"),
    )


class Correction(Base):
    """What a person says about time that was told wrongly: it stands over what was measured, with its reason."""

    __tablename__ = "corrections"

    id: Mapped[UUID] = _id("Identifier of the correction.")
    subject_id: Mapped[str] = mapped_column(
        ForeignKey("uptime_subjects.id", ondelete="CASCADE"),
        doc="Whose states (uptime_subjects.id) it corrects.",
    )
    starts_at: Mapped[datetime] = mapped_column(Instant, doc="Its first second.")
    ends_at: Mapped[datetime] = mapped_column(Instant, doc="The first second after it.")
    state: Mapped[str] = mapped_column(Text, doc="What the state was: up, down or unknown.")
    why: Mapped[str] = mapped_column(Text, doc="How it is known, in the words of whoever corrects.")
    made_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Who corrects (profiles.id); null = not known any more.",
    )
    made_at: Mapped[datetime] = mapped_column(
        Instant, doc="When; of two for one second, the later one stands."
    )
    applied_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When the states were told again because of it; null = not yet."
    )

    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint(f"state IN ({_JUDGED})", name="state"),
        Index("idx_corrections_subject", "subject_id", starts_at.desc()),
    )
