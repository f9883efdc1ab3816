"""A reading on screen: its value, its evidence, the way to its proof. Nothing else is accepted."""

from dataclasses import replace
from typing import Any

import pytest

from components.cards import card, measured
from tests.components.readings import AT, Reading, Window, one, text

UNKNOWN = Reading(
    "fleet.efficiency", "Efficiency", "percent", None,
    "No task in this window has an outcome: none finished, or its source never reported a status.", 0,
)  # fmt: skip


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
    assert text(drawn) == "Latência dos spans, percentil 95 81,4 ms n = 23.019"


def test_a_card_shows_the_interval() -> None:
    reading = Reading("fleet.efficiency", "Efficiency", "percent", 76.25, None, 80, (65.86, 84.2))
    assert "n = 80 · 95 % interval 65.9\u2060–\u206084.2 %" in text(card(reading, "en", zone="UTC"))


def test_zero_is_zero_and_has_an_empty_reason() -> None:
    drawn = card(Reading("spans.errors", "Errors", "errors", 0, None, 0), "en", zone="UTC")
    assert text(drawn) == "Errors 0 errors"
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


def test_a_card_says_when_if_asked() -> None:
    assert "Measured 22 Aug 2022, 03:53:00 UTC−3" in text(
        card(Reading(), "en", zone="America/Sao_Paulo", at=True)
    )
    assert "Measured" not in text(card(Reading(), "en", zone="UTC"))
