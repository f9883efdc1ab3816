"""Model registry."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
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

from db.base import Base, Document, Exact, Instant, Key, new_id, now, uuid7


class AiModel(Base):
    """Registry of models with type, status and accuracy."""

    __tablename__ = "ai_models"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this registered model.",
    )
    name: Mapped[str] = mapped_column(Text, doc="Unique name of the model in this registry.")
    version: Mapped[str] = mapped_column(Text, doc="Version of the model, as its builder states it.")
    model_type: Mapped[str] = mapped_column(
        Text,
        doc="Kind of model: classification, regression, clustering, nlp, computer_vision, "
        "recommendation or forecasting.",
    )
    description: Mapped[str | None] = mapped_column(
        Text, doc="What the model is for, in words; null = not given."
    )
    parameters: Mapped[Any | None] = mapped_column(
        Document,
        server_default=text("'{}'"),
        doc="Settings of the model as JSON; empty object = none stated.",
    )
    accuracy: Mapped[Decimal | None] = mapped_column(
        Exact(5, 4), doc="Share of correct answers in evaluation, from 0 to 1; null = not measured."
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'training'"),
        doc="Where the model stands: training, ready, deployed, archived or failed.",
    )
    training_started_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant training began; null = not started or unknown."
    )
    training_completed_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant training ended; null = not ended or unknown."
    )
    last_used_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the model was last used for a prediction; null = never used."
    )
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), doc="True while the model may be used; false = switched off."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the model as JSON; empty object = none.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the model was registered."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        onupdate=now(),
        doc="Instant any column of the model's row last changed.",
    )

    __table_args__ = (
        CheckConstraint("accuracy >= 0 AND accuracy <= 1", name=conv("ai_models_accuracy_range")),
        CheckConstraint(
            "status IN ('training', 'ready', 'deployed', 'archived', 'failed')",
            name=conv("ai_models_status_check"),
        ),
        CheckConstraint(
            "model_type IN ('classification', 'regression', 'clustering', 'nlp', 'computer_vision', "
            "'recommendation', 'forecasting')",
            name=conv("ai_models_type_check"),
        ),
        UniqueConstraint("name", name="ai_models_name_key"),
        Index("idx_ai_models_accuracy", accuracy.desc().nulls_last()),
        Index(
            "idx_ai_models_active",
            "is_active",
            postgresql_where=text("is_active = true"),
            sqlite_where=text("is_active = true"),
        ),
        Index("idx_ai_models_status", "status"),
        Index("idx_ai_models_type", "model_type"),
    )


class TrainingExample(Base):
    """Examples used to train or validate a model."""

    __tablename__ = "training_data"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this example, its primary key.",
    )
    model_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("ai_models.id", ondelete="CASCADE"),
        doc="Model (ai_models.id) the example is meant for; null = tied to no model.",
    )
    data_source: Mapped[str] = mapped_column(
        Text, doc="Where the example comes from, such as a file, table or service."
    )
    data_type: Mapped[str] = mapped_column(
        Text, doc="Kind of data: text, image, audio, video, tabular or time_series."
    )
    input_data: Mapped[Any] = mapped_column(Document, doc="What is given to the model, as JSON.")
    expected_output: Mapped[Any | None] = mapped_column(
        Document, doc="The right answer for this input, as JSON; null = unknown."
    )
    actual_output: Mapped[Any | None] = mapped_column(
        Document, doc="What the model answered, as JSON; null = not run yet."
    )
    accuracy_score: Mapped[Decimal | None] = mapped_column(
        Exact(5, 4), doc="How well the answer matched the expected one, from 0 to 1; null = not measured."
    )
    is_validated: Mapped[bool | None] = mapped_column(
        Boolean,
        server_default=text("false"),
        doc="True once a person has checked the example; false = unchecked.",
    )
    validated_by: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person who checked it; null = nobody, or account closed.",
    )
    validated_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the example was checked; null = not checked."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the example as JSON; empty object = none.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the example was stored."
    )

    __table_args__ = (
        CheckConstraint(
            "accuracy_score >= 0 AND accuracy_score <= 1", name=conv("training_data_accuracy_range")
        ),
        CheckConstraint(
            "data_type IN ('text', 'image', 'audio', 'video', 'tabular', 'time_series')",
            name=conv("training_data_type_check"),
        ),
        Index("idx_training_data_created", created_at.desc()),
        Index("idx_training_data_model_id", "model_id"),
        Index("idx_training_data_source", "data_source"),
        Index("idx_training_data_type", "data_type"),
        Index("idx_training_data_validated", "is_validated"),
        Index("idx_training_data_validated_by", "validated_by"),
    )


class Prediction(Base):
    """Outputs of a model with confidence and feedback."""

    __tablename__ = "predictions"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this prediction, its primary key.",
    )
    model_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("ai_models.id", ondelete="CASCADE"),
        doc="Model (ai_models.id) that made the prediction; the row goes when the model goes.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person it was made for; null = nobody or account closed.",
    )
    input_data: Mapped[Any] = mapped_column(Document, doc="What the model was given, as JSON.")
    prediction_output: Mapped[Any] = mapped_column(Document, doc="What the model answered, as JSON.")
    confidence_score: Mapped[Decimal | None] = mapped_column(
        Exact(5, 4), doc="The model's own confidence in its answer, from 0 to 1; null = not stated."
    )
    processing_time_ms: Mapped[int | None] = mapped_column(
        Integer, doc="Time the model took to answer, in milliseconds; null = not measured."
    )
    is_correct: Mapped[bool | None] = mapped_column(
        Boolean, doc="Whether the answer proved right; null = nobody has judged it."
    )
    feedback_provided: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), doc="True once the person has given feedback on the answer."
    )
    feedback_data: Mapped[Any | None] = mapped_column(
        Document, doc="The person's feedback as JSON; null = none given."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the prediction as JSON; empty object = none.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the prediction was made and stored."
    )

    __table_args__ = (
        CheckConstraint(
            "confidence_score >= 0 AND confidence_score <= 1", name=conv("predictions_confidence_range")
        ),
        CheckConstraint("processing_time_ms >= 0", name=conv("predictions_processing_positive")),
        Index("idx_predictions_confidence", confidence_score.desc().nulls_last()),
        Index(
            "idx_predictions_correct",
            "is_correct",
            postgresql_where=text("is_correct is not null"),
            sqlite_where=text("is_correct is not null"),
        ),
        Index("idx_predictions_created", created_at.desc()),
        Index("idx_predictions_feedback", "feedback_provided"),
        Index("idx_predictions_model_id", "model_id"),
        Index("idx_predictions_user_id", "user_id"),
    )
