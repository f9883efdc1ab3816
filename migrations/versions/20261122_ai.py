"""AI models, their training examples and predictions.

Rolling back drops ai_models, training_data, predictions with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Instant, new_id, now

revision = "20261122_ai"
down_revision = "20261122_finance"
branch_labels = None
depends_on = None

TOUCHED = ("ai_models",)


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "ai_models",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("model_type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("parameters", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("accuracy", Exact(5, 4), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'training'"), nullable=True),
        sa.Column("training_started_at", Instant(), nullable=True),
        sa.Column("training_completed_at", Instant(), nullable=True),
        sa.Column("last_used_at", Instant(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "model_type IN ('classification', 'regression', 'clustering', 'nlp', 'computer_vision', "
            "'recommendation', 'forecasting')",
            name=op.f("ai_models_type_check"),
        ),
        sa.CheckConstraint(
            "status IN ('training', 'ready', 'deployed', 'archived', 'failed')",
            name=op.f("ai_models_status_check"),
        ),
        sa.CheckConstraint("accuracy >= 0 AND accuracy <= 1", name=op.f("ai_models_accuracy_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ai_models")),
        sa.UniqueConstraint("name", name="ai_models_name_key"),
    )
    op.create_index(
        "idx_ai_models_accuracy", "ai_models", [sa.literal_column("accuracy DESC NULLS LAST")], unique=False
    )
    op.create_index(
        "idx_ai_models_active",
        "ai_models",
        ["is_active"],
        unique=False,
        postgresql_where=sa.text("is_active = true"),
        sqlite_where=sa.text("is_active = true"),
    )
    op.create_index("idx_ai_models_status", "ai_models", ["status"], unique=False)
    op.create_index("idx_ai_models_type", "ai_models", ["model_type"], unique=False)
    op.create_table(
        "predictions",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("input_data", Document, nullable=False),
        sa.Column("prediction_output", Document, nullable=False),
        sa.Column("confidence_score", Exact(5, 4), nullable=True),
        sa.Column("processing_time_ms", sa.Integer(), nullable=True),
        sa.Column("is_correct", sa.Boolean(), nullable=True),
        sa.Column("feedback_provided", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("feedback_data", Document, nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "confidence_score >= 0 AND confidence_score <= 1", name=op.f("predictions_confidence_range")
        ),
        sa.CheckConstraint("processing_time_ms >= 0", name=op.f("predictions_processing_positive")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["ai_models.id"], name=op.f("fk_predictions_model_id_ai_models"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_predictions_user_id_profiles"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
    )
    op.create_index(
        "idx_predictions_confidence",
        "predictions",
        [sa.literal_column("confidence_score DESC NULLS LAST")],
        unique=False,
    )
    op.create_index(
        "idx_predictions_correct",
        "predictions",
        ["is_correct"],
        unique=False,
        postgresql_where=sa.text("is_correct is not null"),
        sqlite_where=sa.text("is_correct is not null"),
    )
    op.create_index(
        "idx_predictions_created", "predictions", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_predictions_feedback", "predictions", ["feedback_provided"], unique=False)
    op.create_index("idx_predictions_model_id", "predictions", ["model_id"], unique=False)
    op.create_index("idx_predictions_user_id", "predictions", ["user_id"], unique=False)
    op.create_table(
        "training_data",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=True),
        sa.Column("data_source", sa.Text(), nullable=False),
        sa.Column("data_type", sa.Text(), nullable=False),
        sa.Column("input_data", Document, nullable=False),
        sa.Column("expected_output", Document, nullable=True),
        sa.Column("actual_output", Document, nullable=True),
        sa.Column("accuracy_score", Exact(5, 4), nullable=True),
        sa.Column("is_validated", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("validated_by", sa.Uuid(), nullable=True),
        sa.Column("validated_at", Instant(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "data_type IN ('text', 'image', 'audio', 'video', 'tabular', 'time_series')",
            name=op.f("training_data_type_check"),
        ),
        sa.CheckConstraint(
            "accuracy_score >= 0 AND accuracy_score <= 1", name=op.f("training_data_accuracy_range")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["ai_models.id"],
            name=op.f("fk_training_data_model_id_ai_models"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["validated_by"],
            ["profiles.id"],
            name=op.f("fk_training_data_validated_by_profiles"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_data")),
    )
    op.create_index(
        "idx_training_data_created", "training_data", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_training_data_model_id", "training_data", ["model_id"], unique=False)
    op.create_index("idx_training_data_source", "training_data", ["data_source"], unique=False)
    op.create_index("idx_training_data_type", "training_data", ["data_type"], unique=False)
    op.create_index("idx_training_data_validated", "training_data", ["is_validated"], unique=False)
    op.create_index("idx_training_data_validated_by", "training_data", ["validated_by"], unique=False)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("training_data")
    op.drop_table("predictions")
    op.drop_table("ai_models")
