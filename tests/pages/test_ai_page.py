"""/ai: models for everybody signed in; predictions and examples for those who may read them."""

import pytest
from sqlalchemy import Engine

from tests import module_rows, module_rows_b
from tests.reader import Reader, module_body, module_row, readings, words
from tests.sessions import session


@pytest.fixture
def architect(alice: Reader, engine: Engine) -> Reader:
    """Alice, who builds models."""
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", "architect")
    return alice


@pytest.fixture
def model(engine: Engine) -> str:
    """Some models; the id of the one with predictions."""
    with session(engine, write=True) as unit:
        return str(module_rows_b.ai(unit).id)


@pytest.mark.databases("sqlite")
def test_an_empty_page_says_how_rows_get_in(architect: Reader) -> None:
    drawn = module_body(architect, "ai")
    shown = readings(drawn["top"])
    assert (
        shown["ai.models"] == "0" and shown["ai.accuracy_best"] == shown["ai.prediction_correct_share"] == ""
    )
    assert "import table ai_models FILE.yml --recipe model-benchmarks" in words(drawn["list"])
    for name, table in (("predictions", "predictions"), ("examples", "training_data")):
        said = words(module_body(architect, "ai", f"?range=all&lang=en&list={name}")["list"])
        assert f"import table {table} FILE.csv" in said


def test_it_counts_and_lists_models(architect: Reader, model: str) -> None:
    drawn = module_body(architect, "ai")
    shown = readings(drawn["top"])
    assert shown["ai.models"] == "3" and shown["ai.prediction_correct_share"] == "75.0"
    said = words(drawn["list"])
    assert "computer vision" in said and "84.2\u00a0%" in said and "deployed" in said
    assert said.index("best") < said.index("good") < said.index("silent")
    said = words(module_body(architect, "ai", "?lang=en&model_type=computer_vision")["list"])
    assert "silent" in said and "good" not in said


def test_a_model_shows_its_predictions_and_examples(architect: Reader, model: str) -> None:
    said = words(module_row(architect, "ai", "models", model))
    for part in ("best", "parameters", "5 rows", "75.0\u00a0%", "Examples 1 row", "cats.csv"):
        assert part in said, part
    listed = words(module_body(architect, "ai", "?range=all&lang=en&list=predictions&search=A+CAT")["list"])
    assert "5 rows" in listed and "best" in listed


@pytest.mark.databases("sqlite")
def test_predictions_and_examples_are_nowhere_for_others(alice: Reader, model: str) -> None:
    drawn = module_body(alice, "ai")
    shown = readings(drawn["top"])
    assert (shown["ai.models"], shown["ai.predictions"]) == ("3", "0") and "ai.examples" not in shown
    assert "Of Predictions, your role shows the rows that belong to you." in words(drawn["top"])
    asked = module_body(alice, "ai", "?range=all&lang=en&list=examples")
    assert "cats.csv" not in str(asked) and "computer vision" in words(asked["list"]), "there is no such list"
    assert "Nothing is stored here yet" in words(
        module_body(alice, "ai", "?lang=en&list=predictions")["list"]
    )
    said = words(module_row(alice, "ai", "models", model))
    assert "best" in said and "cats.csv" not in said and "75.0\u00a0%" not in said
