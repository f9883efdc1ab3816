"""Points, achievements and rankings.

Rolling back drops user_stats, achievements, leaderboard with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Instant, new_id, now

revision = "20261122_gamification"
down_revision = "20261122_social"
branch_labels = None
depends_on = None

TOUCHED = ("user_stats",)


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "achievements",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), server_default=sa.text("'general'"), nullable=True),
        sa.Column("points", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("rarity", sa.Text(), server_default=sa.text("'common'"), nullable=True),
        sa.Column("requirements", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "category IN ('general', 'sales', 'support', 'social', 'learning', 'collaboration')",
            name=op.f("achievements_category_check"),
        ),
        sa.CheckConstraint(
            "rarity IN ('common', 'rare', 'epic', 'legendary')", name=op.f("achievements_rarity_check")
        ),
        sa.CheckConstraint("points >= 0", name=op.f("achievements_points_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_achievements")),
        sa.UniqueConstraint("name", name="achievements_name_key"),
    )
    op.create_index(
        "idx_achievements_active",
        "achievements",
        ["is_active"],
        unique=False,
        postgresql_where=sa.text("is_active = true"),
        sqlite_where=sa.text("is_active = true"),
    )
    op.create_index("idx_achievements_category", "achievements", ["category"], unique=False)
    op.create_index(
        "idx_achievements_points", "achievements", [sa.literal_column("points DESC")], unique=False
    )
    op.create_index("idx_achievements_rarity", "achievements", ["rarity"], unique=False)
    op.create_table(
        "leaderboard",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("metric_type", sa.Text(), nullable=False),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("recorded_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "period IN ('daily', 'weekly', 'monthly', 'yearly', 'all_time')",
            name=op.f("leaderboard_period_check"),
        ),
        sa.CheckConstraint("rank > 0", name=op.f("leaderboard_rank_positive")),
        sa.CheckConstraint("score >= 0", name=op.f("leaderboard_score_positive")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_leaderboard_user_id_profiles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaderboard")),
        sa.UniqueConstraint(
            "period",
            "metric_type",
            "recorded_at",
            "user_id",
            name="leaderboard_period_metric_type_recorded_at_user_id_key",
        ),
    )
    op.create_index("idx_leaderboard_metric", "leaderboard", ["metric_type"], unique=False)
    op.create_index("idx_leaderboard_rank", "leaderboard", ["period", "rank"], unique=False)
    op.create_index(
        "idx_leaderboard_recorded", "leaderboard", [sa.literal_column("recorded_at DESC")], unique=False
    )
    op.create_index(
        "idx_leaderboard_score", "leaderboard", ["period", sa.literal_column("score DESC")], unique=False
    )
    op.create_index("idx_leaderboard_user_id", "leaderboard", ["user_id"], unique=False)
    op.create_table(
        "user_stats",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("xp_points", sa.BigInteger(), server_default=sa.text("0"), nullable=True),
        sa.Column("level", sa.Integer(), server_default=sa.text("1"), nullable=True),
        sa.Column("streak_days", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("total_tasks_completed", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("total_deals_closed", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("total_tickets_resolved", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("badges", Document, server_default=sa.text("'[]'"), nullable=True),
        sa.Column("last_activity_date", sa.Date(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint("level >= 1", name=op.f("user_stats_level_positive")),
        sa.CheckConstraint("streak_days >= 0", name=op.f("user_stats_streak_positive")),
        sa.CheckConstraint("xp_points >= 0", name=op.f("user_stats_xp_positive")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_user_stats_user_id_profiles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_stats")),
    )
    op.create_index(
        "idx_user_stats_last_activity",
        "user_stats",
        [sa.literal_column("last_activity_date DESC")],
        unique=False,
    )
    op.create_index("idx_user_stats_level", "user_stats", [sa.literal_column("level DESC")], unique=False)
    op.create_index(
        "idx_user_stats_streak", "user_stats", [sa.literal_column("streak_days DESC")], unique=False
    )
    op.create_index("idx_user_stats_xp", "user_stats", [sa.literal_column("xp_points DESC")], unique=False)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("user_stats")
    op.drop_table("leaderboard")
    op.drop_table("achievements")
