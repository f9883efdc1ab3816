"""Listening to social networks."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Document, Exact, Instant, Key, new_id, now, uuid7


class SocialPost(Base):
    """Posts collected from social networks with engagement counts."""

    __tablename__ = "social_posts"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this collected post.",
    )
    platform: Mapped[str] = mapped_column(
        Text,
        doc="Network the post comes from: twitter, reddit, instagram, linkedin, tiktok, youtube, facebook or other.",
    )
    external_id: Mapped[str | None] = mapped_column(
        Text, doc="The post's own identifier on its network, unique per platform; null = unknown."
    )
    author: Mapped[str | None] = mapped_column(
        Text, doc="Name of the account that wrote the post; null = unknown."
    )
    content: Mapped[str | None] = mapped_column(
        Text, doc="Text of the post; null = no text or not collected."
    )
    likes_count: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of likes when last fetched; null = not reported by the network.",
    )
    shares_count: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of times shared when last fetched; null = not reported by the network.",
    )
    comments_count: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of comments when last fetched; null = not reported by the network.",
    )
    sentiment_score: Mapped[Decimal | None] = mapped_column(
        Exact(5, 2),
        doc="Mood of the post's text as scored by an analyser, on its own scale; null = not scored.",
    )
    trending_score: Mapped[Decimal | None] = mapped_column(
        Exact(10, 2),
        doc="How strongly the post is spreading, as computed by the collector; higher is more; null = not computed.",
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the post as JSON; empty object = none.",
    )
    posted_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the post appeared on its network; null = unknown."
    )
    fetched_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the collector fetched the post."
    )

    __table_args__ = (
        CheckConstraint(
            "platform IN ('twitter', 'reddit', 'instagram', 'linkedin', 'tiktok', 'youtube', 'facebook', 'other')",
            name=conv("social_posts_platform_check"),
        ),
        UniqueConstraint("platform", "external_id", name="social_posts_platform_external_id_key"),
        Index("idx_social_posts_author", "author"),
        Index("idx_social_posts_posted_at", posted_at.desc()),
        Index("idx_social_posts_sentiment", sentiment_score.desc().nulls_last()),
        Index("idx_social_posts_trending", trending_score.desc().nulls_last()),
    )


class SocialTrend(Base):
    """Volume and mood of a tag at a moment."""

    __tablename__ = "social_trends"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this snapshot, its primary key.",
    )
    tag: Mapped[str] = mapped_column(Text, doc="Tag or topic the snapshot is about.")
    volume: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Number of posts counted for the tag at that moment; null = not counted.",
    )
    sentiment: Mapped[str | None] = mapped_column(
        Text, doc="Overall mood of the tag's posts: positive, negative, neutral or mixed; null = not judged."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the snapshot as JSON; empty object = none.",
    )
    recorded_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the snapshot was taken; it is never rewritten."
    )

    __table_args__ = (
        CheckConstraint(
            "sentiment IN ('positive', 'negative', 'neutral', 'mixed')",
            name=conv("social_trends_sentiment_check"),
        ),
        Index("idx_social_trends_recorded", recorded_at.desc()),
        Index("idx_social_trends_sentiment", "sentiment"),
        Index("idx_social_trends_tag", "tag"),
        Index("idx_social_trends_volume", volume.desc()),
    )
