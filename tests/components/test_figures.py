"""Histograms are the series' own bins; their frames say in words and rows what they draw."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from components.charts import chart_frame
from components.figures.bars import category_bars, time_bars
from components.figures.histograms import efficiency_histogram, latency_histogram, range_words
from components.figures.slots import slot_bars
from components.figures.style import config
from components.tables import Column
from tests.components.readings import Reading, Series, one, parts, text

EFFICIENCY = Series(
    "fleet.efficiency_histogram", "Agents by efficiency", "agents",
    ({"low": 70, "high": 80, "count": 1}, {"low": 90, "high": 100, "count": 4}), None, 5,
)  # fmt: skip
UNMEASURED = Reading("fleet.agents_unmeasured", "Agents without efficiency", "agents", 134, None, 134)


@pytest.mark.parametrize("bare", [[1, 2, 3], 5, None, ({"count": 1},)])
def test_bare_rows_are_refused(bare: Any) -> None:
    with pytest.raises(TypeError, match="series must be a MeasuredSeries"):
        latency_histogram(bare, "en", "dark")
    with pytest.raises(TypeError, match="unmeasured must be a Measured"):
        efficiency_histogram(EFFICIENCY, 134, "en", "dark")  # type: ignore[arg-type]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_efficiency_counts_the_unmeasured_beside_it(theme: str) -> None:
    figure = efficiency_histogram(EFFICIENCY, UNMEASURED, "pt-BR", theme).to_plotly_json()
    bars = figure["data"][0]
    assert list(bars["x"]) == [75, 95] and list(bars["y"]) == [1, 4]
    assert bars["hovertext"][1] == "90–100 %<br>4 agentes"
    assert figure["layout"]["annotations"][0]["text"] == "+ 134 agentes sem medição"
    assert figure["layout"]["xaxis"]["title"]["text"] == "Eficiência do agente (%)"
    assert figure["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"


def test_an_unknown_number_of_unmeasured_is_not_drawn_as_zero() -> None:
    figure = efficiency_histogram(EFFICIENCY, replace(UNMEASURED, value=None), "en", "dark")
    assert not figure.layout.annotations


def test_latency_draws_open_ends_and_marks_known_readings_only() -> None:
    known = {"p50": Reading(value=10.0), "p95": Reading(value=None)}
    figure = latency_histogram(Series(), "en", "dark", known).to_plotly_json()
    bars = figure["data"][0]
    assert list(bars["y"]) == [3, 40, 1]
    assert bars["x"][2] == pytest.approx(4.15)
    assert [words.replace("\u00a0", " ") for words in bars["hovertext"]] == [
        "under 0.1 ms<br>3 spans",
        "1 – 2 ms<br>40 spans",
        "10,000 ms and more<br>1 span",
    ]
    assert [note["text"].replace("\u00a0", " ") for note in figure["layout"]["annotations"]] == [
        "p50 10.0 ms"
    ]
    assert figure["layout"]["xaxis"]["ticktext"][:4] == ["0.01", "0.1", "1", "10"]
    assert figure["layout"]["separators"] == ".,"


def test_a_bin_in_words() -> None:
    assert range_words(0.0, 0.1, "pt-BR") == "menos de 0,1 ms"
    assert range_words(10000, None, "pt-BR") == "10.000 ms ou mais"


def test_a_frame_says_the_same_in_words_and_rows() -> None:
    drawn = chart_frame(
        Series(), latency_histogram(Series(), "en", "dark"), "en", id="overview-latency", zone="UTC"
    )
    assert one(drawn, role="img")["aria-label"].startswith("Spans by latency. Based on 44 measurements")
    assert one(drawn, type="Graph")["id"] == "overview-latency"
    assert [text(part["children"]) for part in parts(drawn) if part["type"] == "Td"] == [
        "under 0.1 ms", "3", "1 – 2 ms", "40", "10,000 ms and more", "1",
    ]  # fmt: skip
    assert one(drawn, className="measured measured-title")["data-metric"] == "spans.latency_histogram"


def test_a_frame_without_rows_draws_no_axes_and_says_why() -> None:
    nothing = replace(Series(), rows=(), n=0, reason="Nothing was recorded in this window.")
    drawn = chart_frame(
        nothing, latency_histogram(nothing, "en", "dark"), "pt-BR", id="overview-latency", zone="UTC"
    )
    assert "Graph" not in [part["type"] for part in parts(drawn)]
    assert "Nada foi registrado neste período." in text(drawn)


def test_a_few_days_are_ticked_by_the_day_and_drawn_no_wider_than_a_week_s() -> None:
    for first, last, said in (
        ("2022-08-22", "2022-08-22", ["22/08/2022"]),
        ("2022-08-22", "2022-08-24", ["22 ago<br>2022", "23", "24"]),
        ("2022-12-30", "2023-01-02", ["30 dez<br>2022", "31", "1 jan<br>2023", "2"]),
        ("2022-08-22", "2022-08-29", ["22 ago<br>2022", "23", "24", "25", "26", "27", "28", "29"]),
    ):
        days = len(said)
        rows = ({"at": first, "count": 1}, {"at": last, "count": 2})
        drawn = time_bars(replace(Series(), rows=rows), "pt-BR", "dark")
        start, end = map(datetime.fromisoformat, drawn.layout.xaxis.range)
        assert (end - start).days == max(days, 7)
        assert len(drawn.layout.xaxis.tickvals) == days and drawn.layout.xaxis.title.text == "Dia (UTC)"
        assert list(drawn.layout.xaxis.ticktext) == said
        assert drawn.data[0].width == 0.8 * 86_400_000


def test_the_library_spaces_many_days_and_moments() -> None:
    many = ({"at": "2022-08-22", "count": 1}, {"at": "2022-12-24", "count": 2})
    hours = ({"at": "2022-08-22T03:50", "count": 1},)
    for rows, words in ((many, "Day (UTC)"), (hours, "Time (UTC)")):
        drawn = time_bars(replace(Series(), rows=rows), "en", "dark")
        assert (drawn.layout.xaxis.tickvals, drawn.data[0].width) == (None, None)
        assert drawn.layout.xaxis.title.text == words


def test_date_axes_speak_the_reader_s_language() -> None:
    here = config("pt-BR")
    words = here["locales"][here["locale"]]["format"]
    assert words["shortMonths"][7:10] == ["ago", "set", "out"]
    assert words["days"][0] == "domingo"  # Plotly's week begins on Sunday
    assert words["dayMonthYear"] == "%d/%m/%Y"
    drawn = chart_frame(
        Series(), latency_histogram(Series(), "pt-BR", "dark"), "pt-BR", id="overview-latency", zone="UTC"
    )
    assert one(drawn, type="Graph")["config"] == here


@pytest.mark.parametrize(
    ("lang", "unit", "value", "said"),
    [
        ("en", "deals", 1, "22 Aug 2022<br>1 deal"),
        ("pt-BR", "spans", 1234, "22/08/2022<br>1.234 spans"),
        ("en", "ms", 81.377, "22 Aug 2022<br>81.4 ms"),
    ],
)
def test_a_bar_over_time_says_day_and_amount_as_people_write_them(
    lang: str, unit: str, value: float, said: str
) -> None:
    series = replace(Series(), unit=unit, rows=({"at": "2022-08-22", "value": value},))
    (hover,) = time_bars(series, lang, "dark").data[0].hovertext
    assert hover.replace("\u00a0", " ") == said


def test_a_slot_says_its_start_with_its_zone_and_a_noun_in_the_right_number() -> None:
    rows = ({"at": "2022-08-22T03:00:00", "seconds": 3600, "count": 1},)
    series = replace(Series(), unit="heartbeats", rows=rows)
    (hover,) = slot_bars(series, "pt-BR", "dark").data[0].hovertext
    assert hover.replace("\u00a0", " ") == "22/08/2022 03:00:00 UTC<br>1 sinal de vida"


def test_a_category_names_its_unit_once() -> None:
    series = replace(Series(), unit="percent", rows=({"label": "a model", "value": 92.04},))
    (hover,) = category_bars(series, "en", "dark").data[0].hovertext
    assert hover.replace("\u00a0", " ") == "a model<br>92.0 %"


def test_the_table_of_many_rows_is_its_latest_and_says_of_how_many() -> None:
    days = [date(2022, 1, 1) + timedelta(days=place) for place in range(1000)]
    series = replace(Series(), rows=tuple({"at": each.isoformat(), "count": 1} for each in days))
    drawn = chart_frame(
        series,
        time_bars(series, "en", "dark"),
        "en",
        id="days",
        zone="UTC",
        columns=[Column("at", "Day", lambda row: row["at"])],
    )
    said = text(drawn)
    assert [each for each in days if each.isoformat() in said] == days[-100:] and "100 of 1,000" in said
    assert len(time_bars(series, "en", "dark").data[0].x) == 1000, "the picture has all"
