"""Points and rankings."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Document, Instant, Key, new_id, now, uuid7


class UserStats(Base):
    """Experience, level, streak and totals of one person (one row per profile)."""

    __tablename__ = "user_stats"

    user_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        primary_key=True,
        doc="Profile (profiles.id) the totals belong to; also the key, so one row per person.",
    )
    xp_points: Mapped[int | None] = mapped_column(
        BigInteger,
        server_default=text("0"),
        doc="Experience points earned through recorded deeds, never below 0; starts at 0 on registration.",
    )
    level: Mapped[int | None] = mapped_column(
        Integer, server_default=text("1"), doc="Level reached through experience points, from 1 upward."
    )
    streak_days: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of consecutive days with activity up to the last active day; never below 0.",
    )
    total_tasks_completed: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of tasks the person has completed, counted from recorded deeds.",
    )
    total_deals_closed: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of the person's deals that were closed (won), counted from recorded deeds.",
    )
    total_tickets_resolved: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of support requests the person resolved, counted from recorded deeds.",
    )
    badges: Mapped[Any | None] = mapped_column(
        Document,
        server_default=text("'[]'"),
        doc="Badges the person has earned, as a JSON list; empty list = none.",
    )
    last_activity_date: Mapped[date | None] = mapped_column(
        Date, doc="Last calendar day on which the person earned or did something counted; null = none yet."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the row was created, in the registration transaction."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant the scoring engine last changed this row."
    )

    __table_args__ = (
        CheckConstraint("level >= 1", name=conv("user_stats_level_positive")),
        CheckConstraint("streak_days >= 0", name=conv("user_stats_streak_positive")),
        CheckConstraint("xp_points >= 0", name=conv("user_stats_xp_positive")),
        Index("idx_user_stats_last_activity", last_activity_date.desc()),
        Index("idx_user_stats_level", level.desc()),
        Index("idx_user_stats_streak", streak_days.desc()),
        Index("idx_user_stats_xp", xp_points.desc()),
    )


class Achievement(Base):
    """Catalogue of awards that can be earned."""

    __tablename__ = "achievements"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this award, its primary key.",
    )
    name: Mapped[str] = mapped_column(Text, doc="Unique name of the award as shown to people.")
    description: Mapped[str] = mapped_column(Text, doc="What must be done to earn the award, in words.")
    icon: Mapped[str | None] = mapped_column(
        Text, doc="Name or symbol of the picture shown with the award; null = none."
    )
    category: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'general'"),
        doc="Field of the award: general, sales, support, social, learning or collaboration.",
    )
    points: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Experience points the award brings, never below 0; null = none set.",
    )
    rarity: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'common'"),
        doc="How rare the award is meant to be: common, rare, epic or legendary; declared, not counted.",
    )
    requirements: Mapped[Any | None] = mapped_column(
        Document,
        server_default=text("'{}'"),
        doc="Conditions for earning the award as JSON, read by the scoring engine; empty object = none stated.",
    )
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), doc="True while the award can be earned; false = withdrawn."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the award was added to the catalogue."
    )

    __table_args__ = (
        CheckConstraint(
            "category IN ('general', 'sales', 'support', 'social', 'learning', 'collaboration')",
            name=conv("achievements_category_check"),
        ),
        CheckConstraint("points >= 0", name=conv("achievements_points_positive")),
        CheckConstraint(
            "rarity IN ('common', 'rare', 'epic', 'legendary')", name=conv("achievements_rarity_check")
        ),
        UniqueConstraint("name", name="achievements_name_key"),
        Index(
            "idx_achievements_active",
            "is_active",
            postgresql_where=text("is_active = true"),
            sqlite_where=text("is_active = true"),
        ),
        Index("idx_achievements_category", "category"),
        Index("idx_achievements_points", points.desc()),
        Index("idx_achievements_rarity", "rarity"),
    )


class LeaderboardEntry(Base):
    """Ranking snapshots per period and metric."""

    __tablename__ = "leaderboard"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this ranking entry.",
    )
    user_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        doc="Profile (profiles.id) of the person ranked; the entry goes when the profile goes.",
    )
    period: Mapped[str] = mapped_column(
        Text, doc="Span of time the ranking covers: daily, weekly, monthly, yearly or all_time."
    )
    rank: Mapped[int] = mapped_column(Integer, doc="Place in the ranking, where 1 is the best.")
    score: Mapped[int] = mapped_column(
        BigInteger,
        server_default=text("0"),
        doc="Points or count by which the person is ranked, in the metric's own unit; never below 0.",
    )
    metric_type: Mapped[str] = mapped_column(
        Text, doc="What is ranked, for example experience points or deals closed."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the entry as JSON; empty object = none.",
    )
    recorded_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant the whole ranking snapshot was taken; it is never rewritten.",
    )

    __table_args__ = (
        CheckConstraint(
            "period IN ('daily', 'weekly', 'monthly', 'yearly', 'all_time')",
            name=conv("leaderboard_period_check"),
        ),
        CheckConstraint("rank > 0", name=conv("leaderboard_rank_positive")),
        CheckConstraint("score >= 0", name=conv("leaderboard_score_positive")),
        UniqueConstraint(
            "period",
            "metric_type",
            "recorded_at",
            "user_id",
            name="leaderboard_period_metric_type_recorded_at_user_id_key",
        ),
        Index("idx_leaderboard_metric", "metric_type"),
        Index("idx_leaderboard_rank", "period", "rank"),
        Index("idx_leaderboard_recorded", recorded_at.desc()),
        Index("idx_leaderboard_score", "period", score.desc()),
        Index("idx_leaderboard_user_id", "user_id"),
    )
