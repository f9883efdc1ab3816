"""Incidents and accountability."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Address, Base, Document, Instant, Key, new_id, now, uuid7


class SecurityEvent(Base):
    """Detected security incidents and their resolution."""

    __tablename__ = "security_events"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this incident, its primary key.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person the incident is about; null = nobody known or account closed.",
    )
    event_type: Mapped[str] = mapped_column(
        Text, doc="Kind of incident, such as login_failed, brute_force, unauthorized_access or sql_injection."
    )
    severity: Mapped[str] = mapped_column(
        Text, server_default=text("'low'"), doc="How serious the incident is: low, medium, high or critical."
    )
    description: Mapped[str] = mapped_column(Text, doc="What was detected, described in plain words.")
    ip_address: Mapped[str | None] = mapped_column(
        Address, doc="Network address the incident came from; null = unknown."
    )
    user_agent: Mapped[str | None] = mapped_column(
        Text, doc="Client identification text seen in the incident; null = none was sent."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further evidence about the incident as JSON; empty object = none.",
    )
    resolved: Mapped[bool | None] = mapped_column(
        Boolean,
        server_default=text("false"),
        doc="True once an admin has dealt with the incident; false = still open.",
    )
    resolved_by: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the admin who resolved it; null = nobody, or account closed.",
    )
    resolved_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the incident was resolved; null = not resolved."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant the incident was detected and stored; rows are kept as evidence.",
    )

    __table_args__ = (
        CheckConstraint(
            "severity IN ('low', 'medium', 'high', 'critical')", name=conv("security_events_severity_check")
        ),
        CheckConstraint(
            "event_type IN ('login_failed', 'suspicious_activity', 'unauthorized_access', "
            "'data_breach', 'malware_detected', 'ddos_attempt', 'brute_force', 'sql_injection', "
            "'xss_attempt')",
            name=conv("security_events_type_check"),
        ),
        Index("idx_security_events_created", created_at.desc()),
        Index("idx_security_events_ip", "ip_address"),
        Index("idx_security_events_resolved", "resolved"),
        Index("idx_security_events_severity", "severity"),
        Index("idx_security_events_type", "event_type"),
        Index("idx_security_events_user_id", "user_id"),
        Index("idx_security_events_resolved_by", "resolved_by"),
    )


class AuditEntry(Base):
    """Who did what to which record."""

    __tablename__ = "audit_log"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this audit entry.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        doc="Profile id of the person who acted, kept without foreign key after account closure; null "
        "= the system or unknown.",
    )
    action: Mapped[str] = mapped_column(
        Text, doc="What was done: INSERT, UPDATE, DELETE, SELECT, LOGIN, LOGOUT, EXPORT or IMPORT."
    )
    table_name: Mapped[str] = mapped_column(Text, doc="Name of the table the action touched.")
    record_id: Mapped[str | None] = mapped_column(
        Text, doc="Key of the record touched, as text because agents have text keys; null = no single record."
    )
    old_data: Mapped[Any | None] = mapped_column(
        Document, doc="The record before the action as JSON; null = did not exist or not applicable."
    )
    new_data: Mapped[Any | None] = mapped_column(
        Document, doc="The record after the action as JSON; null = no longer exists or not applicable."
    )
    ip_address: Mapped[str | None] = mapped_column(
        Address, doc="Network address the action came from; null = unknown or the system itself."
    )
    user_agent: Mapped[str | None] = mapped_column(
        Text, doc="Client identification text sent with the action; null = none was sent."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant of the action, stored in the same transaction as the change.",
    )
    seq: Mapped[int] = mapped_column(
        BigInteger, doc="Unique running number giving the entry's place in the hash chain."
    )
    previous_hash: Mapped[str] = mapped_column(
        Text, doc="The row_hash of the entry before it in the chain, so a removed entry is noticed."
    )
    row_hash: Mapped[str] = mapped_column(
        Text, doc="Hash over this entry and previous_hash, so any later change to the entry is noticed."
    )

    __table_args__ = (
        CheckConstraint(
            "action IN ('INSERT', 'UPDATE', 'DELETE', 'SELECT', 'LOGIN', 'LOGOUT', 'EXPORT', 'IMPORT')",
            name=conv("audit_log_action_check"),
        ),
        UniqueConstraint("seq", name="audit_log_seq_key"),
        Index("idx_audit_log_action", "action"),
        Index("idx_audit_log_created", created_at.desc()),
        Index("idx_audit_log_record", "record_id"),
        Index("idx_audit_log_table", "table_name"),
        Index("idx_audit_log_user_id", "user_id"),
    )
