"""AI: models, what they said, and the examples they were trained on."""

from components.figures.bars import category_bars
from i18n import t
from pages._module import Chart, Module, register_page

register_page(
    Module(
        name="ai",
        title=lambda lang: t("AI", lang),
        lead=lambda lang: t("Models, how accurate they say they are, and what they said.", lang),
        icon="brain",
        order=90,
        needs="ai:models:read",
        cards=(
            "ai.models",
            "ai.deployed_models",
            "ai.accuracy_best",
            "ai.predictions",
            "ai.prediction_correct_share",
            "ai.examples",
        ),
        charts=(
            Chart("ai.models_by_accuracy", category_bars),
            Chart("ai.models_by_status", category_bars),
        ),
        listings=("models", "predictions", "examples"),
        how=lambda lang: t("Models come in from a file of benchmark results:", lang),
        command=".venv/bin/quantum import table ai_models FILE.yml --recipe model-benchmarks",
        ways={
            "predictions": (
                lambda lang: t(
                    "Predictions come in from a file of comma-separated values, with input and output as JSON:",
                    lang,
                ),
                ".venv/bin/quantum import table predictions FILE.csv",
            ),
            "examples": (
                lambda lang: t(
                    "Examples come in from a file of comma-separated values, with input and output as JSON:",
                    lang,
                ),
                ".venv/bin/quantum import table training_data FILE.csv",
            ),
        },
    ),
    __name__,
)
