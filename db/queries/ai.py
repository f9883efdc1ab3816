"""Models, what they were trained on and what they said."""

from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column, select

from db.listing import Children, Field, Listing, listed
from db.metric import Statement, Window, metric, series
from db.models import AiModel, Prediction, TrainingExample
from db.queries.fleet import pooled

NEEDS, PREDICTIONS, EXAMPLES = "ai:models:read", "ai:predictions:read", "ai:examples:read"
NO_ACCURACY = "No model states its accuracy."
NO_VERDICT = "Nobody has judged a prediction of this window."


def _model_name(of: Any) -> Any:
    return select(AiModel.name).where(AiModel.id == of).scalar_subquery()


predictions = listed(
    Listing(
        name="predictions",
        title="Predictions",
        model=Prediction,
        fields=(
            Field(Prediction.model_id, "Model", shows=_model_name(Prediction.model_id), name="model"),
            Field(Prediction.confidence_score, "Confidence", "share"),
            Field(Prediction.is_correct, "Correct", "yes_no"),
            Field(Prediction.processing_time_ms, "Processing time (ms)", "number"),
            Field(Prediction.created_at, "Created", "moment"),
        ),
        search=(_model_name(Prediction.model_id), Prediction.input_data, Prediction.prediction_output),
        filters=(Prediction.is_correct,),
        order=Prediction.created_at,
        needs=PREDICTIONS,
    )
)
examples = listed(
    Listing(
        name="examples",
        title="Examples",
        model=TrainingExample,
        fields=(
            Field(TrainingExample.data_source, "Source"),
            Field(TrainingExample.data_type, "Kind of data", "word"),
            Field(
                TrainingExample.model_id, "Model", shows=_model_name(TrainingExample.model_id), name="model"
            ),
            Field(TrainingExample.accuracy_score, "Accuracy", "share"),
            Field(TrainingExample.is_validated, "Validated", "yes_no"),
            Field(TrainingExample.created_at, "Created", "moment"),
        ),
        search=(TrainingExample.data_source, TrainingExample.input_data),
        filters=(TrainingExample.data_type, TrainingExample.is_validated),
        order=TrainingExample.created_at,
        needs=EXAMPLES,
    )
)
models = listed(
    Listing(
        name="models",
        title="Models",
        model=AiModel,
        fields=(
            Field(AiModel.name, "Name"),
            Field(AiModel.version, "Version"),
            Field(AiModel.model_type, "Kind", "word"),
            Field(AiModel.status, "Status", "word"),
            Field(AiModel.accuracy, "Accuracy", "share"),
            Field(AiModel.last_used_at, "Last used", "moment"),
            Field(AiModel.created_at, "Created", "moment"),
        ),
        search=(AiModel.name, AiModel.version, AiModel.description),
        filters=(AiModel.model_type, AiModel.status),
        order=AiModel.accuracy,
        children=(Children(predictions, Prediction.model_id), Children(examples, TrainingExample.model_id)),
        needs=NEEDS,
    )
)


def _models(where: ColumnElement[bool] | None = None) -> Any:
    def rows(window: Window) -> Statement:
        columns = (AiModel.name, AiModel.version, AiModel.status, AiModel.accuracy, AiModel.created_at)
        order = (AiModel.accuracy.desc().nulls_last(), AiModel.name)
        chosen: Statement = select(*columns).order_by(*order)
        return chosen if where is None else chosen.where(where)

    return rows


@metric(
    "ai.models",
    title="Models",
    unit="models",
    formula="count of rows",
    windowed=False,
    needs=NEEDS,
    evidence=_models(),
)
def model_count(window: Window) -> Statement:
    """Models registered, whatever their status."""
    return select(func.count(AiModel.id).label("value"))


@metric(
    "ai.deployed_models",
    title="Models deployed",
    unit="models",
    formula="count of models with status deployed",
    excluded="Models with another status, or none.",
    windowed=False,
    needs=NEEDS,
    evidence=_models(AiModel.status == "deployed"),
)
def deployed_models(window: Window) -> Statement:
    """Models registered as deployed."""
    return select(func.count(AiModel.id).label("value")).where(AiModel.status == "deployed")


@metric(
    "ai.accuracy_best",
    title="Best accuracy",
    unit="percent",
    formula="100 × largest stated accuracy; n = models that state one",
    excluded="Models that state no accuracy.",
    windowed=False,
    least=1,
    few=NO_ACCURACY,
    needs=NEEDS,
    evidence=_models(AiModel.accuracy.is_not(None)),
)
def accuracy_best(window: Window) -> Statement:
    """The largest accuracy that a registered model states. Models may have been evaluated on different tasks."""
    best = func.max(AiModel.accuracy) * literal_column("100")
    return select(best.label("value"), func.count(AiModel.accuracy).label("n"))


def predicted(window: Window, *columns: Any, where: ColumnElement[bool] | None = None) -> Statement:
    """`columns` of the predictions made in the window that fulfil `where`."""
    chosen: Statement = select(*columns).select_from(Prediction).where(window.covers(Prediction.created_at))
    return chosen if where is None else chosen.where(where)


def _predictions(where: ColumnElement[bool] | None = None) -> Any:
    columns = (Prediction.id, Prediction.model_id, Prediction.confidence_score, Prediction.is_correct)
    order = (Prediction.created_at.desc(), Prediction.id)
    return lambda window: predicted(window, *columns, Prediction.created_at, where=where).order_by(*order)


@metric(
    "ai.predictions",
    title="Predictions",
    unit="predictions",
    formula="count of rows",
    needs=PREDICTIONS,
    evidence=_predictions(),
)
def prediction_count(window: Window) -> Statement:
    """What models said in the window."""
    return predicted(window, func.count().label("value"))


@metric(
    "ai.prediction_correct_share",
    title="Predictions that proved right",
    unit="percent",
    formula="100 × predictions judged right / predictions judged; Wilson 95 % interval",
    excluded="Predictions that nobody has judged.",
    least=1,
    few=NO_VERDICT,
    wilson=True,
    needs=PREDICTIONS,
    evidence=_predictions(Prediction.is_correct.is_not(None)),
)
def prediction_correct_share(window: Window) -> Statement:
    """Share of the predictions made in the window and judged since that proved right. Others do not count."""
    outcome = case((Prediction.is_correct.is_(True), 1), else_=0).label("outcome")
    judged = predicted(window, outcome, where=Prediction.is_correct.is_not(None)).subquery("judged")
    return pooled(judged.c.outcome)


@metric(
    "ai.examples",
    title="Examples",
    unit="examples",
    formula="count of rows",
    needs=EXAMPLES,
    evidence=lambda window: (
        select(
            TrainingExample.id,
            TrainingExample.data_source,
            TrainingExample.data_type,
            TrainingExample.created_at,
        )
        .where(window.covers(TrainingExample.created_at))
        .order_by(TrainingExample.created_at.desc(), TrainingExample.id)
    ),
)
def example_count(window: Window) -> Statement:
    """Examples to train or validate models on that were stored in the window."""
    return select(func.count(TrainingExample.id).label("value")).where(
        window.covers(TrainingExample.created_at)
    )


@series(
    "ai.models_by_status",
    title="Models by status",
    unit="models",
    formula="count of models per status",
    windowed=False,
    needs=NEEDS,
    evidence=_models(),
)
def models_by_status(window: Window) -> Statement:
    """Where the registered models stand; unknown where the source does not say."""
    counted = select(AiModel.status.label("label"), func.count().label("count"))
    return counted.group_by(AiModel.status).order_by(func.count().desc(), AiModel.status)


def tenth() -> ColumnElement[str | None]:
    """Which ten percent an accuracy falls into, in words; 100 % falls into the last, null into none."""
    ends = [(AiModel.accuracy < (low + 10) / 100, f"{low}–{low + 10} %") for low in range(0, 90, 10)]
    return case(*ends, (AiModel.accuracy.is_not(None), "90–100 %"))


@series(
    "ai.models_by_accuracy",
    title="Models by accuracy",
    unit="models",
    formula="count of models per ten percent of stated accuracy; 100 % falls into the last",
    windowed=False,
    needs=NEEDS,
    evidence=_models(),
)
def models_by_accuracy(window: Window) -> Statement:
    """How accurate the registered models say they are; unknown where they do not."""
    binned = select(tenth().label("label"), AiModel.accuracy.label("accuracy")).subquery("binned")
    counted = select(binned.c.label, func.count().label("count")).group_by(binned.c.label)
    return counted.order_by(func.max(binned.c.accuracy).desc().nulls_last())
