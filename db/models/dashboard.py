"""Measurements and the network view."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Document, Exact, Instant, Key, by_month, new_id, now, uuid7


class SystemMetric(Base):
    """Time series of measured values (type, value, unit, category)."""

    __tablename__ = "system_metrics"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Identifier of this measurement; of one that was sent, it follows from what was measured when.",
    )
    metric_type: Mapped[str] = mapped_column(
        Text, doc="Name of what was measured; rows sharing it form one time series."
    )
    metric_value: Mapped[Decimal | None] = mapped_column(
        Exact(24, 6),
        doc="Measured value in the unit named beside it, six decimals kept; null = no value was obtained.",
    )
    metric_unit: Mapped[str | None] = mapped_column(
        Text, doc="Unit of the value, such as ms or percent; null = a bare number or unit unknown."
    )
    category: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'general'"),
        doc="Field the measurement belongs to: general, performance, security, business, agent or network.",
    )
    source: Mapped[str | None] = mapped_column(
        Text, doc="Program or part that took the measurement; null = unknown."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the measurement as JSON; empty object = none.",
    )
    recorded_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the measurement was taken."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant the measurement was stored, which may be later than it was taken.",
    )

    __table_args__ = (
        CheckConstraint(
            "category IN ('general', 'performance', 'security', 'business', 'agent', 'network')",
            name=conv("system_metrics_category_check"),
        ),
        Index("idx_system_metrics_category", "category"),
        Index("idx_system_metrics_recorded_at", recorded_at.desc()),
        Index("idx_system_metrics_type_recorded", "metric_type", recorded_at.desc()),
        by_month("recorded_at"),
    )


class NetworkNode(Base):
    """Nodes of the network view with 3-D coordinates."""

    __tablename__ = "network_nodes"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this node in the network view.",
    )
    node_type: Mapped[str] = mapped_column(
        Text,
        doc="Kind of node: agent, system, hub, relay or sensor; system marks this application's own parts.",
    )
    node_name: Mapped[str] = mapped_column(Text, doc="Name shown beside the node in the network view.")
    position_x: Mapped[Decimal | None] = mapped_column(
        Exact(18, 6),
        server_default=text("0"),
        doc="First coordinate of the node in the view's own units; metadata.position says where it comes from.",
    )
    position_y: Mapped[Decimal | None] = mapped_column(
        Exact(18, 6),
        server_default=text("0"),
        doc="Second coordinate of the node in the view's own units; metadata.position says where it comes from.",
    )
    position_z: Mapped[Decimal | None] = mapped_column(
        Exact(18, 6),
        server_default=text("0"),
        doc="Third coordinate (depth) of the node in the view's own units; metadata.position says where it comes from.",
    )
    size: Mapped[Decimal | None] = mapped_column(
        Exact(18, 6),
        server_default=text("1.0"),
        doc="Drawing size of the node in the view, relative to 1; null = not set.",
    )
    color: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'#00FFD0'"),
        doc="Colour of the node as a hexadecimal code; null = the view's own choice.",
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        doc="State derived from its agent: active, inactive, degraded or maintenance; null = never heard.",
    )
    connections_count: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of connections the node's agent takes part in when last counted; null = not counted.",
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts as JSON; position says measured (from the data), computed (by layout) or "
        "placed (by a person).",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the node was first stored here."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant the node's row last changed."
    )
    agent_id: Mapped[str | None] = mapped_column(
        Text,
        ForeignKey("agents.id", ondelete="CASCADE"),
        doc="Agent (agents.id) this node stands for, one node per agent; null = stands for no agent.",
    )

    __table_args__ = (
        CheckConstraint(
            "node_type IN ('agent', 'system', 'hub', 'relay', 'sensor')",
            name=conv("network_nodes_node_type_check"),
        ),
        CheckConstraint(
            "status IN ('active', 'inactive', 'degraded', 'maintenance')",
            name=conv("network_nodes_status_check"),
        ),
        UniqueConstraint("agent_id", name="network_nodes_agent_id_key"),
        Index("idx_network_nodes_name", "node_name"),
        Index("idx_network_nodes_position", "position_x", "position_y", "position_z"),
        Index(
            "idx_network_nodes_status",
            "status",
            postgresql_where=text("status = 'active'"),
            sqlite_where=text("status = 'active'"),
        ),
        Index("idx_network_nodes_type", "node_type"),
    )
