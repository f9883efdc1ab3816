"""A reading on screen: its value, its evidence, the way to its proof. Nothing else is accepted."""

from dataclasses import replace
from typing import Any

import pytest

from components.cards import card, measured
from components.measured import mark_of, unmeasured
from tests.components.readings import AT, Reading, Window, one, text

UNKNOWN = Reading(
    "fleet.efficiency", "Efficiency", "percent", None,
    "No task in this window has an outcome: none finished, or its source never reported a status.", 0,
)  # fmt: skip


MEASURED, MEDIDO = "measured 22 Aug 2022, 06:53:00 UTC", "medido em 22/08/2022 06:53:00 UTC"


def test_why_a_number_measures_nothing_is_one_of_few_reasons() -> None:
    with pytest.raises(ValueError, match="'because'"):
        unmeasured("because")


def button(component: Any) -> dict[str, Any]:
    return one(component, type="Button")


@pytest.mark.parametrize("bare", [0, 81.4, "81.4 ms", None, {"value": 1}])
def test_a_bare_value_is_refused_by_the_argument_s_name(bare: Any) -> None:
    for draw in (lambda: card(bare, "en", zone="UTC"), lambda: measured(bare, "en")):
        with pytest.raises(TypeError, match="reading must be a Measured"):
            draw()


def test_a_measured_value_carries_what_the_drawer_needs() -> None:
    drawn = button(measured(replace(Reading(), subject=("frontend", "cart")), "en"))
    assert {name: value for name, value in drawn.items() if name.startswith("data-")} == {
        "data-metric": "spans.latency_p95_ms",
        "data-value": "81.377755",
        "data-window": "24h",
        "data-subject": '["frontend", "cart"]',
        "data-measured-at": AT.isoformat(),
    }
    assert drawn["className"] == "measured"


def test_a_card_shows_value_unit_and_n() -> None:
    drawn = card(Reading(), "pt-BR", zone="UTC", icon="timer")
    assert text(drawn) == f"Latência dos spans, percentil 95 81,4 ms n = 23.019 {MEDIDO}"


def test_a_card_shows_the_interval() -> None:
    reading = Reading("fleet.efficiency", "Efficiency", "percent", 76.25, None, 80, (65.86, 84.2))
    assert "n = 80 · 95 % interval 65.9\u2060–\u206084.2 %" in text(card(reading, "en", zone="UTC"))


def test_zero_is_zero_and_has_an_empty_reason() -> None:
    drawn = card(Reading("spans.errors", "Errors", "errors", 0, None, 0), "en", zone="UTC")
    assert text(drawn) == f"Errors 0 errors {MEASURED}"
    assert button(drawn)["data-value"] == "0"


def test_unknown_is_a_dash_with_its_reason() -> None:
    drawn = card(UNKNOWN, "en", zone="UTC")
    assert text(drawn).startswith("Efficiency — No task in this window has an outcome")
    assert button(drawn)["data-value"] == ""
    assert button(drawn)["aria-label"] == "Efficiency: unknown. How is this made?"
    assert text(card(UNKNOWN, "pt-BR", zone="UTC")).startswith(
        "Eficiência — Nenhuma tarefa deste período tem resultado"
    )


def test_a_metric_without_a_window_says_so_by_an_empty_one() -> None:
    assert button(measured(replace(Reading(), window=None), "en"))["data-window"] == ""
    assert (
        button(measured(replace(Reading(), window=Window(None, None, "all")), "en"))["data-window"] == "all"
    )


def test_a_card_tells_its_instant_from_which_the_browser_counts_its_age() -> None:
    for lang, words in (("en", "measured {age}"), ("pt-BR", "medido {age}")):
        drawn = one(card(Reading(), lang, zone="America/Sao_Paulo"), type="Time")
        assert (drawn["dateTime"], drawn["data-age"]) == (AT.isoformat(), words)
        assert "UTC−3" in drawn["title"] and drawn["aria-live"] == "off"


def test_a_chart_s_rows_have_a_mark_that_the_last_bits_of_a_sum_do_not_change() -> None:
    rows = ({"at": "2022-08-22", "value": 0.1 + 0.2, "count": 3}, {"at": None, "value": None, "count": 0})
    near = ({"at": "2022-08-22", "value": 0.3, "count": 3}, {"at": None, "value": None, "count": 0})
    other = ({"at": "2022-08-22", "value": 0.3, "count": 4}, {"at": None, "value": None, "count": 0})
    assert mark_of(rows) == mark_of(near) != mark_of(other)
    assert mark_of(rows) != mark_of(rows[::-1])
