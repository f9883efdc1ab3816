"""What agents report: spans, who sent them, and the calls between agents that spans prove."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Document, HexId, by_month

UNSET, OK, ERROR = 0, 1, 2
Number = BigInteger().with_variant(
    Integer, "sqlite"
)  # SQLite counts up by itself under the name INTEGER alone
Trace, Id = HexId(16), HexId(8)
BY_MONTH = by_month("start_ns")


class Sender(Base):
    """What is the same for every span of one sender: the process, the library that made them, the door they came by."""

    __tablename__ = "senders"

    id: Mapped[int] = mapped_column(Number, Identity(), primary_key=True, doc="Number of the sender.")
    digest: Mapped[str] = mapped_column(
        HexId(16), doc="BLAKE2b of source, scope and resource, which finds it."
    )
    source: Mapped[str] = mapped_column(Text, doc="Where spans came in: a file's name or a key's.")
    scope: Mapped[str | None] = mapped_column(Text, doc="Instrumentation library that made them.")
    resource: Mapped[Any] = mapped_column(Document, doc="Attributes of the process that sent them, as sent.")

    __table_args__ = (UniqueConstraint("digest"),)


def _of_sender(column: Any, sender_id: Any) -> Any:
    """The sender's column as if it were the span's own, read where a statement asks for it beside a column of the span:
    alone it would not say of which span."""
    found = select(column).where(Sender.id == sender_id).correlate_except(Sender)
    return column_property(found.scalar_subquery().label(column.key), deferred=True)


class Span(Base):
    """One finished operation as OpenTelemetry reports it, with the agent it belongs to."""

    __tablename__ = "spans"

    trace_id: Mapped[str] = mapped_column(
        Trace, primary_key=True, doc="Trace, 16 bytes; read and written as 32 hexadecimal digits."
    )
    span_id: Mapped[str] = mapped_column(
        Id, primary_key=True, doc="Span, 8 bytes; read and written as 16 hexadecimal digits."
    )
    start_ns: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        doc="Start in nanoseconds since 1970-01-01 UTC by the sender's clock.",
    )
    duration_ns: Mapped[int] = mapped_column(BigInteger, doc="End minus start, in nanoseconds.")
    parent_span_id: Mapped[str | None] = mapped_column(Id, doc="Parent in the same trace; null for a root.")
    agent_id: Mapped[str | None] = mapped_column(
        ForeignKey("agents.id", ondelete="SET NULL"),
        doc="Agent it belongs to; null when neither an agent nor a service is named.",
    )
    attribution: Mapped[str | None] = mapped_column(
        Text, doc="Why it belongs there: own name, nearest named ancestor, or its service."
    )
    named_agent: Mapped[str | None] = mapped_column(
        Text, doc="Agent name the span itself gives, without run-specific suffix."
    )
    service: Mapped[str] = mapped_column(Text, doc="service.name of the resource that sent it.")
    name: Mapped[str] = mapped_column(Text, doc="Name of the operation.")
    kind: Mapped[int] = mapped_column(
        SmallInteger,
        server_default=text("0"),
        doc="OpenTelemetry kind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.",
    )
    category: Mapped[str | None] = mapped_column(
        Text, doc="What it does in an agent system, when it says so: agent, model, tool, handoff and so on."
    )
    status: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("0"), doc="Reported status: 0 unset, 1 ok, 2 error."
    )
    status_message: Mapped[str | None] = mapped_column(Text, doc="What the sender says about the status.")
    error_type: Mapped[str | None] = mapped_column(
        Text, doc="error.type or the exception's type, when given."
    )
    is_task: Mapped[bool] = mapped_column(
        Boolean,
        server_default=text("false"),
        doc="True for one finished run of its agent: its invoke span, or a service's entry span.",
    )
    input_tokens: Mapped[int | None] = mapped_column(
        BigInteger, doc="Tokens sent to the model; null unless this is a model span that says so."
    )
    output_tokens: Mapped[int | None] = mapped_column(
        BigInteger, doc="Tokens the model answered; null unless this is a model span that says so."
    )
    model: Mapped[str | None] = mapped_column(Text, doc="Model asked for, else the one that answered.")
    counterpart: Mapped[str | None] = mapped_column(
        Text, doc="Agent name on the other side of a hand-off, message or agent used as a tool."
    )
    attributes: Mapped[Any] = mapped_column(
        Document, server_default=text("'{}'"), doc="The span's own attributes, as sent."
    )
    links: Mapped[Any] = mapped_column(
        Document, server_default=text("'[]'"), doc="Spans of other traces it refers to."
    )
    events: Mapped[Any] = mapped_column(
        Document, server_default=text("'[]'"), doc="Moments inside the span, such as exceptions."
    )
    sender_id: Mapped[int] = mapped_column(
        ForeignKey("senders.id"), doc="Who sent it: process, library and the door it came by."
    )
    source: Mapped[str] = _of_sender(Sender.source, sender_id)
    scope: Mapped[str | None] = _of_sender(Sender.scope, sender_id)
    resource: Mapped[Any] = _of_sender(Sender.resource, sender_id)
    received_ns: Mapped[int] = mapped_column(
        BigInteger, doc="When it was stored, nanoseconds since 1970-01-01 UTC by the application's clock."
    )
    unsettled: Mapped[bool] = mapped_column(
        Boolean,
        server_default=text("false"),
        doc="True while its parent or one above it, up to the nearest named agent, has not arrived: then its agent or "
        "what it proves may still change.",
    )

    __table_args__ = (
        # Time ascends in the indexes, so that they grow at their end; pages split in the middle would take half as
        # much room again. The latest are read backwards.
        CheckConstraint("duration_ns >= 0", name=conv("spans_duration_check")),
        CheckConstraint("kind >= 0 AND kind <= 5", name=conv("spans_kind_check")),
        CheckConstraint("status IN (0, 1, 2)", name=conv("spans_status_check")),
        CheckConstraint(
            "attribution IN ('own', 'ancestor', 'service')", name=conv("spans_attribution_check")
        ),
        CheckConstraint(
            "category IN ('agent', 'model', 'tool', 'retrieval', 'message', 'handoff')",
            name=conv("spans_category_check"),
        ),
        Index("idx_spans_agent_start", "agent_id", "start_ns"),
        # Counts and percentiles of a window read the index alone, never the rows with their documents.
        Index("idx_spans_start", "start_ns", "agent_id", "duration_ns"),
        Index(
            "idx_spans_counterpart",
            "trace_id",
            postgresql_where=text("counterpart IS NOT NULL"),
            sqlite_where=text("counterpart IS NOT NULL"),
        ),
        Index(
            "idx_spans_errors",
            "agent_id",
            "start_ns",
            postgresql_where=text("status = 2"),
            sqlite_where=text("status = 2"),
        ),
        Index(
            "idx_spans_failed",
            "start_ns",
            postgresql_where=text("status = 2"),
            sqlite_where=text("status = 2"),
        ),
        Index(
            "idx_spans_reported",
            "service",
            "start_ns",
            postgresql_where=text("status <> 0"),
            sqlite_where=text("status <> 0"),
        ),
        Index(
            "idx_spans_models",
            "start_ns",
            postgresql_where=text("category = 'model'"),
            sqlite_where=text("category = 'model'"),
        ),
        Index(
            "idx_spans_tasks",
            "agent_id",
            "start_ns",
            postgresql_where=text("is_task"),
            sqlite_where=text("is_task"),
        ),
        Index(
            "idx_spans_unsettled",
            "trace_id",
            "parent_span_id",
            postgresql_where=text("unsettled"),
            sqlite_where=text("unsettled"),
        ),
        BY_MONTH,
    )


class Call(Base):
    """One request from one agent to another, and the stored span that proves it."""

    __tablename__ = "calls"

    trace_id: Mapped[str] = mapped_column(Trace, primary_key=True, doc="Trace of the span that proves it.")
    span_id: Mapped[str] = mapped_column(Id, primary_key=True, doc="The span that proves it.")
    start_ns: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        doc="Start of that span, nanoseconds since 1970-01-01 UTC.",
    )
    caller_id: Mapped[str] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), doc="Agent that asks."
    )
    callee_id: Mapped[str] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), doc="Agent that is asked."
    )
    kind: Mapped[str] = mapped_column(
        Text,
        doc="data between services and retrieval, command for hand-offs and agents as tools, sync for messages.",
    )
    evidence: Mapped[str] = mapped_column(
        Text, doc="How it is known: parent and child span, a hand-off, an agent used as a tool, or a message."
    )
    callee_span_id: Mapped[str | None] = mapped_column(
        Id, doc="The callee's own span; null when it never arrived."
    )
    latency_ns: Mapped[int | None] = mapped_column(
        BigInteger, doc="Duration of the callee's span; null when that span never arrived."
    )
    failed: Mapped[bool] = mapped_column(
        Boolean, doc="True when the proving or the callee's span reports an error."
    )

    __table_args__ = (
        CheckConstraint("caller_id <> callee_id", name=conv("calls_two_agents_check")),
        CheckConstraint("kind IN ('data', 'command', 'sync')", name=conv("calls_kind_check")),
        CheckConstraint(
            "evidence IN ('parent', 'handoff', 'tool', 'message')", name=conv("calls_evidence_check")
        ),
        Index("idx_calls_start", "start_ns"),
        Index("idx_calls_pair", "caller_id", "callee_id", "start_ns"),
        Index("idx_calls_callee", "callee_id", "start_ns"),
        BY_MONTH,
    )
