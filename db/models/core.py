"""People, sign-ins, the agent catalogue."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Address, Base, Document, Exact, Instant, Key, by_month, new_id, now, uuid7


class Profile(Base):
    """One row per registered person: public card, role and preferences."""

    __tablename__ = "profiles"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this person's profile; every owner, author and assignee column "
        "elsewhere refers to it.",
    )
    auth_user_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("auth_account.id", ondelete="CASCADE"),
        doc="Sign-in account (auth_account.id) this profile belongs to; exactly one profile per account, never null.",
    )
    username: Mapped[str | None] = mapped_column(
        Text, doc="Unique public user name, compared in lower case; null = none chosen."
    )
    full_name: Mapped[str | None] = mapped_column(
        Text, doc="Full name the person gave for the public card; null = not given."
    )
    avatar_url: Mapped[str | None] = mapped_column(
        Text, doc="Web address of the person's picture; null = no picture set."
    )
    role: Mapped[str] = mapped_column(
        Text,
        server_default=text("'user'"),
        doc="What the person may do: user, admin, architect, observer or strategist; only an admin changes it.",
    )
    bio: Mapped[str | None] = mapped_column(
        Text, doc="Short text the person wrote about themselves; null = not given."
    )
    company: Mapped[str | None] = mapped_column(
        Text, doc="Company or organisation the person says they work for; null = not given."
    )
    location: Mapped[str | None] = mapped_column(
        Text, doc="Place the person says they are in, as free text; null = not given."
    )
    preferences: Mapped[Any | None] = mapped_column(
        Document,
        server_default=text("'{}'"),
        doc="The person's own settings as JSON, such as language, theme and time zone; private to the "
        "person and admins.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant the profile was created, which is the moment of registration.",
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant any column of the profile last changed."
    )

    __table_args__ = (
        CheckConstraint(
            "role IN ('user', 'admin', 'architect', 'observer', 'strategist')",
            name=conv("profiles_role_check"),
        ),
        Index("profiles_username_key", func.lower(username), unique=True),
        UniqueConstraint("auth_user_id", name="profiles_auth_user_id_key"),
        Index("idx_profiles_role", "role"),
    )


class UserSession(Base):
    """Devices and sign-ins of a person, with last activity and expiry."""

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this sign-in session.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        doc="Profile (profiles.id) of the person signed in; null = unknown person.",
    )
    device_info: Mapped[Any | None] = mapped_column(
        Document,
        server_default=text("'{}'"),
        doc="Device details as JSON, such as browser, system and screen kind; empty object = nothing known.",
    )
    ip_address: Mapped[str | None] = mapped_column(
        Address, doc="Network address the sign-in came from; null = unknown."
    )
    user_agent: Mapped[str | None] = mapped_column(
        Text, doc="Browser identification text sent at sign-in; null = none was sent."
    )
    last_activity: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant of the last request received in this session."
    )
    expires_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant from which the session is no longer valid; null = no expiry recorded."
    )
    is_active: Mapped[bool | None] = mapped_column(
        Boolean,
        server_default=text("true"),
        doc="True while the session may be used; false once signed out or ended by the person.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant of the sign-in that started the session."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant this session row last changed."
    )
    confirmed_at: Mapped[datetime | None] = mapped_column(
        Instant,
        doc="Instant the password was last given in this session; null = unknown, so it is asked for again.",
    )

    __table_args__ = (
        Index("idx_user_sessions_active", "is_active", "last_activity"),
        Index("idx_user_sessions_user_id", "user_id"),
    )


class Agent(Base):
    """Catalogue and live state of the 139 agents."""

    __tablename__ = "agents"

    id: Mapped[str] = mapped_column(
        Text,
        primary_key=True,
        doc="Stable text key of the agent; an agent inside a service is written service/name.",
    )
    name: Mapped[str] = mapped_column(Text, doc="Name of the agent as shown to people.")
    role: Mapped[str | None] = mapped_column(
        Text, doc="Kind of work: CORE, GUARD, ANALYST or SPECIALIST; null = nobody has assigned one."
    )
    squad: Mapped[str | None] = mapped_column(
        Text, doc="Team the agent belongs to: CORE, GUARD, ANALYST, SPECIALIST or CHAOS; null = unassigned."
    )
    origin: Mapped[str] = mapped_column(
        Text,
        doc="Where the row comes from: catalogue, person, telemetry, network, or system for this "
        "application's own parts.",
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        doc="What the agent last said of itself, from IDLE to MAINTENANCE; null = it never said "
        "anything; does not decide operational.",
    )
    efficiency: Mapped[Decimal | None] = mapped_column(
        Exact(5, 2),
        doc="Share of its finished tasks with known outcome that succeeded, in percent from 0 to 100, over the 24 "
        "hours before measured_at; null = not measured.",
    )
    current_task: Mapped[str | None] = mapped_column(
        Text, doc="Task the agent last said it is working on; null = no task."
    )
    last_active: Mapped[datetime | None] = mapped_column(
        Instant,
        doc="Instant the last authenticated heartbeat or own span was received; null = never heard; "
        "imported history does not count.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person who owns the agent; null = nobody.",
    )
    meta: Mapped[Any] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the agent as JSON, such as source file or imported attributes; empty object = none.",
    )
    neural_load: Mapped[Decimal | None] = mapped_column(
        Exact(5, 2),
        doc="Share of the agent's working capacity in use, in percent from 0 to 100; null = not measured.",
    )
    uptime_seconds: Mapped[int | None] = mapped_column(
        BigInteger, doc="Seconds the agent was seen up by this application; null = never seen."
    )
    version: Mapped[str | None] = mapped_column(
        Text, doc="Version the agent declares of itself; null = unknown."
    )
    created_at: Mapped[datetime] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant the row was added to this database, not the birth of the agent.",
    )
    updated_at: Mapped[datetime] = mapped_column(
        Instant,
        server_default=now(),
        onupdate=now(),
        doc="Instant any column of the agent's row last changed.",
    )
    heartbeat_seconds: Mapped[int | None] = mapped_column(
        Integer,
        doc="Declared interval between two heartbeats in seconds; null = none declared, so the limit "
        "of 5 minutes applies.",
    )
    paused_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant since which a person has kept the agent paused; null = not paused."
    )
    clock_drift_ms: Mapped[int | None] = mapped_column(
        BigInteger,
        doc="How far the agent's own clock was ahead of this application's when it was last seen, in milliseconds; "
        "behind is negative; null = not known.",
    )
    clock_drift_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the drift of the agent's clock was last seen; null = never, or not of late."
    )
    measured_at: Mapped[datetime | None] = mapped_column(
        Instant,
        doc="Instant that efficiency, neural_load and uptime_seconds speak of; null = they were never measured.",
    )

    __table_args__ = (
        CheckConstraint("efficiency >= 0 AND efficiency <= 100", name=conv("agents_efficiency_check")),
        CheckConstraint("role IN ('CORE', 'GUARD', 'ANALYST', 'SPECIALIST')", name=conv("agents_role_check")),
        CheckConstraint(
            "status IN ('IDLE', 'ACTIVE', 'PROCESSING', 'LEARNING', 'WARNING', 'ERROR', 'MAINTENANCE')",
            name=conv("agents_status_check"),
        ),
        CheckConstraint(
            "squad IN ('CORE', 'GUARD', 'ANALYST', 'SPECIALIST', 'CHAOS')", name=conv("agents_squad_check")
        ),
        CheckConstraint(
            "origin IN ('catalogue', 'person', 'telemetry', 'network', 'system')",
            name=conv("agents_origin_check"),
        ),
        CheckConstraint("neural_load >= 0 AND neural_load <= 100", name=conv("agents_neural_load_check")),
        CheckConstraint("uptime_seconds >= 0", name=conv("agents_uptime_seconds_check")),
        CheckConstraint("heartbeat_seconds > 0", name=conv("agents_heartbeat_seconds_check")),
        Index("idx_agents_role", "role"),
        Index("idx_agents_squad", "squad"),
        Index("idx_agents_status", "status"),
        Index("idx_agents_efficiency", efficiency.desc().nulls_last()),
        Index("idx_agents_last_active", last_active.desc().nulls_last()),
        Index("idx_agents_user_id", "user_id"),
    )


class AgentLog(Base):
    """Append-only log lines written by agent workers."""

    __tablename__ = "agent_logs"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Identifier of this log line; of one that was sent, it follows from what the line says.",
    )
    agent_id: Mapped[str] = mapped_column(
        Text,
        ForeignKey("agents.id", ondelete="CASCADE"),
        doc="Agent (agents.id) whose worker wrote the line.",
    )
    log_level: Mapped[str] = mapped_column(
        Text, doc="Severity of the line: debug, info, warning, error or critical."
    )
    message: Mapped[str] = mapped_column(Text, doc="Text of the log line as the worker wrote it.")
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the line as JSON; empty object = none.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant the line speaks of, by its writer's clock; when it was stored where none was told.",
    )

    __table_args__ = (
        CheckConstraint(
            "log_level IN ('info', 'warning', 'error', 'critical', 'debug')",
            name=conv("agent_logs_log_level_check"),
        ),
        Index("idx_agent_logs_agent_id", "agent_id"),
        Index("idx_agent_logs_created_at", created_at.desc()),
        Index("idx_agent_logs_level", "log_level"),
        by_month("created_at"),
    )


class AgentConnection(Base):
    """Links between two agents, with kind, strength, latency and bandwidth."""

    __tablename__ = "agent_connections"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this connection, its primary key.",
    )
    agent_a_id: Mapped[str] = mapped_column(
        Text,
        ForeignKey("agents.id", ondelete="CASCADE"),
        doc="Agent (agents.id) that calls; the start of the directed link.",
    )
    agent_b_id: Mapped[str] = mapped_column(
        Text,
        ForeignKey("agents.id", ondelete="CASCADE"),
        doc="Agent (agents.id) that is called; the end of the directed link, never the caller itself.",
    )
    connection_type: Mapped[str] = mapped_column(
        Text,
        server_default=text("'neural'"),
        doc="Kind of link: data for requests, command for hand-offs and tools, sync for messages, "
        "neural for imported or declared.",
    )
    strength: Mapped[Decimal | None] = mapped_column(
        Exact(9, 6),
        doc="Calls or imported weight divided by the largest of the same window or file, 0 to 1; null = not measured.",
    )
    latency_ms: Mapped[Decimal | None] = mapped_column(
        Exact(12, 3), doc="Measured duration of the called agent's work in milliseconds; null = not measured."
    )
    bandwidth_mbps: Mapped[Decimal | None] = mapped_column(
        Exact(12, 3),
        doc="Measured data rate of the link in megabits per second; null = not measured, the usual case.",
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        doc="State derived from the link's calls: active, inactive, degraded or failed; null = never seen in use.",
    )
    meta: Mapped[Any] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts as JSON; evidence says measured, imported or declared, and an imported weight is kept here.",
    )
    created_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="Instant the connection was first stored here."
    )
    updated_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant the connection's row last changed."
    )

    __table_args__ = (
        CheckConstraint("agent_a_id <> agent_b_id", name=conv("no_self_connection")),
        CheckConstraint(
            "connection_type IN ('neural', 'data', 'command', 'sync')", name=conv("valid_connection_type")
        ),
        CheckConstraint("status IN ('active', 'inactive', 'degraded', 'failed')", name=conv("valid_status")),
        CheckConstraint("strength >= 0 AND strength <= 1", name=conv("agent_connections_strength_check")),
        CheckConstraint("latency_ms >= 0", name=conv("agent_connections_latency_ms_check")),
        CheckConstraint("bandwidth_mbps >= 0", name=conv("agent_connections_bandwidth_mbps_check")),
        UniqueConstraint("agent_a_id", "agent_b_id", "connection_type", name="unique_connection"),
        Index("idx_agent_connections_agent_b", "agent_b_id"),
        Index(
            "idx_agent_connections_status",
            "status",
            postgresql_where=text("status = 'active'"),
            sqlite_where=text("status = 'active'"),
        ),
        Index("idx_agent_connections_type", "connection_type"),
    )
