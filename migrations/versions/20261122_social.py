"""Posts and trends of social networks.

Rolling back drops social_posts, social_trends with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Instant, new_id, now

revision = "20261122_social"
down_revision = "20261122_support"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "social_posts",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("likes_count", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("shares_count", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("comments_count", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("sentiment_score", Exact(5, 2), nullable=True),
        sa.Column("trending_score", Exact(10, 2), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("posted_at", Instant(), nullable=True),
        sa.Column("fetched_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "platform IN ('twitter', 'reddit', 'instagram', 'linkedin', 'tiktok', 'youtube', 'facebook', 'other')",
            name=op.f("social_posts_platform_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_posts")),
        sa.UniqueConstraint("platform", "external_id", name="social_posts_platform_external_id_key"),
    )
    op.create_index("idx_social_posts_author", "social_posts", ["author"], unique=False)
    op.create_index(
        "idx_social_posts_posted_at", "social_posts", [sa.literal_column("posted_at DESC")], unique=False
    )
    op.create_index(
        "idx_social_posts_sentiment",
        "social_posts",
        [sa.literal_column("sentiment_score DESC NULLS LAST")],
        unique=False,
    )
    op.create_index(
        "idx_social_posts_trending",
        "social_posts",
        [sa.literal_column("trending_score DESC NULLS LAST")],
        unique=False,
    )
    op.create_table(
        "social_trends",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("volume", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("recorded_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "sentiment IN ('positive', 'negative', 'neutral', 'mixed')",
            name=op.f("social_trends_sentiment_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_trends")),
    )
    op.create_index(
        "idx_social_trends_recorded", "social_trends", [sa.literal_column("recorded_at DESC")], unique=False
    )
    op.create_index("idx_social_trends_sentiment", "social_trends", ["sentiment"], unique=False)
    op.create_index("idx_social_trends_tag", "social_trends", ["tag"], unique=False)
    op.create_index(
        "idx_social_trends_volume", "social_trends", [sa.literal_column("volume DESC")], unique=False
    )


def downgrade() -> None:
    op.drop_table("social_trends")
    op.drop_table("social_posts")
