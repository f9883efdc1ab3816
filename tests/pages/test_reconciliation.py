"""/reconciliation: ours and theirs by day and model, and what is compared with nothing."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.services.usage_import import Wanted, import_usage
from tests.administrator import as_role
from tests.reader import Reader, readings, words

pytestmark = pytest.mark.databases("sqlite")


def test_the_page_says_what_is_missing_and_what_to_do_and_is_not_for_everybody(
    alice: Reader, engine: Engine
) -> None:
    refused = alice.post("reconciliation-body.children", {"url.search": "?lang=en"})
    assert refused.status_code == 403
    strategist = as_role(alice, engine, "strategist")
    said = words(strategist.body("reconciliation", "?range=all&lang=en"))
    assert "Nothing to hold against each other" in said and "holds no prices" in said


def test_rows_stand_by_day_and_model_with_theirs_alone_compared_with_nothing(
    alice: Reader, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "u.csv"
    file.write_text("day,model,input_tokens,cost,currency\n2023-11-14,gpt-x,5,0.25,EUR\n")
    import_usage(engine, [file], Wanted("acme"))
    drawn = as_role(alice, engine, "observer").body("reconciliation", "?range=all&lang=en")
    shown = readings(drawn)
    assert (shown["usage.input_theirs_of_day"], shown["usage.input_difference_of_day"]) == ("5", "")
    assert (shown["usage.only_theirs"], shown["usage.cost_theirs"], shown["usage.input_ours"]) == (
        "1",
        "0.25",
        "",
    )
    assert "EUR" in words(drawn) and "14 Nov 2023" in words(drawn)
