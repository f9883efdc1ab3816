"""Lines over time: a gap stays a gap, a mark without an end is a line, and no two series look alike."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from components.figures.levels import level_bars, level_legend
from components.figures.lines import legend, lines_of, time_lines
from components.format import split_unit
from tests.components.readings import Series, Window

START = datetime(2022, 8, 22, 4, 0, tzinfo=UTC)


def row(minute: int, value: float | None, source: str = "a", n: int = 1) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    spread = (
        {"least": value, "most": value}
        if n == 1 or value is None
        else {"least": value - 1, "most": value + 1}
    )
    told = {
        "metric": "cpu",
        "source": source,
        "count": 0 if value is None else n,
        "value": value,
        "seconds": 60,
    }
    return {"at": f"{at:%Y-%m-%dT%H:%M}", **told, **spread}


def drawn(rows: list[dict[str, Any]], marks: list[dict[str, Any]] | None = None) -> Any:
    window = Window(START, START + timedelta(hours=1), "given")
    return time_lines(replace(Series(), rows=tuple(rows), window=window), "%", marks or [], "en", "dark")


def test_nothing_is_drawn_where_nothing_was_recorded() -> None:
    rows = [row(0, 1), row(1, 2), row(2, None), row(3, 3), row(9, 4), row(10, 5)]
    line = drawn(rows).data[-1]
    assert list(line.y) == [1, 2, None, 3, None, 4, 5] and line.connectgaps is False
    assert list(line.marker.size) == [0, 0, 0, 4, 0, 0, 0], "what stands alone is a point"


def test_what_comes_seldom_is_no_gap() -> None:
    assert None not in drawn([row(minute, 1) for minute in range(0, 60, 10)]).data[-1].y


def test_bands_reach_from_the_least_to_the_largest_value() -> None:
    band, line = drawn([row(0, 5, n=3), row(1, 7, n=2)]).data
    assert (list(band.base), list(band.y), list(line.y)) == ([4, 6], [2, 2], [5, 7])
    assert "n = 3: 4 % – 6 %" in line.hovertext[0]


def test_marks_are_bands_or_lines_with_their_number() -> None:
    ends = {
        "starts_at": START - timedelta(hours=2),
        "ends_at": START + timedelta(minutes=9),
        "label": "anomaly",
    }
    instant = {"starts_at": START + timedelta(minutes=30), "ends_at": None, "label": "<b>cpu</b>"}
    figure = drawn([row(0, 1)], [ends, instant])
    assert [(shape.type, shape.x0[11:16], shape.x1[11:16]) for shape in figure.layout.shapes] == [
        ("rect", "04:00", "04:09"),
        ("line", "04:30", "04:30"),
    ]
    assert [each.text for each in figure.layout.annotations] == ["1 anomaly", "2 &lt;b&gt;cpu&lt;/b&gt;"]
    crowd = [instant | {"starts_at": START + timedelta(minutes=minute)} for minute in (0, 1, 1, 5)]
    crowded = drawn([row(0, 1)], crowd).layout
    assert len(crowded.shapes) == 4 and [each.text for each in crowded.annotations] == ["1", "2", "4"]


def test_no_two_lines_look_alike() -> None:
    series = replace(Series(), rows=tuple(row(0, 1, f"pod-{place:02}") for place in range(12)))
    lines = lines_of(series, "light")
    assert len({(line.color, line.dash) for line in lines}) == 12
    assert (
        legend(series, "light") is not None and legend(replace(Series(), rows=(row(0, 1),)), "light") is None
    )


def test_levels_are_stacked_the_worst_at_the_foot() -> None:
    told = [("info", 40), ("error", 1), ("warning", 3)]
    rows = tuple({"at": "2022-08-22T04:00:05", "seconds": 5, "label": level, "count": n} for level, n in told)
    series = replace(Series(), rows=rows, unit="lines")
    figure = level_bars(series, "en", "dark")
    assert [bar.y[0] for bar in figure.data] == [1, 3, 40]
    assert len({(bar.marker.color, bar.marker.pattern.shape) for bar in figure.data}) == 3
    assert len(level_legend(series, "en").children) == 3


def test_a_recorded_value_is_shown_to_six_digits() -> None:
    shown = {110.118094: "110.118", 148.0: "148", 0.004545: "0.004545", 8285420.0: "8,285,420", -0.5: "-0.5"}
    assert {value: split_unit(value, "of the series", "en")[0] for value in shown} == shown
    assert split_unit(15.473271, "of the series", "pt-BR")[0] == "15,4733"
