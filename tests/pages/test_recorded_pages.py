"""/measurements and /logs: what is chosen is drawn and counted, what happened is marked, and every line leads on."""

import re
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from sqlalchemy import Engine

from db.measured_series import SeriesKey, text_of
from db.models import Kept
from db.queries.kept import LOGS, MEASUREMENTS
from db.services.annotation_import import import_marks
from db.services.measurement_import import import_measurements
from tests.filled import SINCE, fill
from tests.reader import Reader, elements, hrefs, readings, words
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")
HOUR = "range=2026-03-01T09:30:00Z/2026-03-01T11:00:00Z&lang=en"
A, B = SeriesKey("load", "%", "pod-a"), SeriesKey("load", "%", "pod-b")


def drawn(reader: Reader, page: str, search: str) -> tuple[object, object]:
    """What the callback of a page draws above its list, and the list."""
    parts = {"measurements": ("chosen", "list"), "logs": ("top", "list", "menus")}[page]
    output = "..".join(["", "...".join(f"{page}-{part}.children" for part in parts), ""])
    answer = reader.post(output, {"url.search": f"?{search}"}, referer=f"/{page}?{search}")
    assert answer.status_code == 200, answer.text
    found = answer.get_json()["response"]
    return tuple(found.get(f"{page}-{part}", {}).get("children") for part in parts[:2])  # type: ignore[return-value]


def test_measurements_from_the_empty_page_to_two_series_in_one_chart(
    alice: Reader, engine: Engine, tmp_path: Path
) -> None:
    top, listed = drawn(alice, "measurements", "range=24h&lang=en")
    assert "No measurements yet" in words(listed) and "quantum import measurements FILE" in str(listed)
    assert not readings(top)
    fill(engine, tmp_path)
    _, listed = drawn(alice, "measurements", "range=24h&lang=en")
    assert "No data in the chosen range" in words(listed), "it lies elsewhere in time"
    _, listed = drawn(alice, "measurements", f"{HOUR}&search=load+pod-a")
    assert "1 series recorded" in words(listed) and "db.round_trip_ms" not in words(listed)
    (show,) = {each for each in hrefs(listed) if "series=" in each}
    asked = parse_qs(urlsplit(show).query)["series"][0]
    assert asked == text_of([A])
    top, listed = drawn(alice, "measurements", f"{HOUR}&series={quote(asked)}")
    shown = readings(top)
    assert (shown["measurements.count"], shown["measurements.unknown"]) == ("29", "1")
    assert (shown["measurements.most"], shown["measurements.p95"]) == ("37.0", "6.75")
    assert "cpu_contention" in words(top) and "injected fault" in words(top) and "faults.json:1" in words(top)
    add = next(each for each in hrefs(listed) if unquote(each).count("load") == 2)
    top, _ = drawn(alice, "measurements", f"{HOUR}&{urlsplit(add).query}")
    assert readings(top)["measurements.count"] == str(29 + 24) and "measurements.last" not in readings(top)
    graph = next(each for each in elements(top) if each["type"] == "Graph")["props"]["figure"]
    assert [trace["type"] for trace in graph["data"]] == ["bar", "bar", "scatter", "scatter"]
    assert len(graph["layout"]["shapes"]) == 1


def test_measurements_of_no_such_series_and_of_other_times(
    alice: Reader, engine: Engine, tmp_path: Path
) -> None:
    fill(engine, tmp_path)
    for wrong in ("x", "[[]]", '[["db.round_trip_ms","",""]]', "[" * 500):
        top, _ = drawn(alice, "measurements", f"{HOUR}&series={quote(wrong)}")
        assert "No such series" in words(top), wrong
    top, listed = drawn(alice, "measurements", f"range=24h&lang=pt-BR&series={quote(text_of([A, B]))}")
    assert "Nenhum dado no período escolhido" in words(top) or "Não há dados" in words(top)
    assert readings(top)["measurements.mean"] == "" and "Graph" not in str(top)
    top, listed = drawn(alice, "measurements", f"range=all&lang=en&page=99&series={quote(text_of([A]))}")
    assert readings(top)["measurements.count"] == "29" and "3 series" in words(listed)


def test_logs_are_counted_filtered_and_lead_to_agent_and_trace(
    alice: Reader, engine: Engine, tmp_path: Path
) -> None:
    top, _ = drawn(alice, "logs", "range=24h&lang=en")
    assert "No logs yet" in words(top)
    fill(engine, tmp_path)
    top, listed = drawn(alice, "logs", HOUR)
    shown = readings(top)
    assert (shown["logs.lines"], shown["logs.warnings"], shown["logs.errors"]) == ("4", "1", "1")
    assert [words(listed).find(f"Line {place}") for place in (3, 2, 1, 0)] == sorted(
        words(listed).find(f"Line {place}") for place in range(4)
    )
    assert any(urlsplit(each).path == "/agents/till" for each in hrefs(listed))
    (trace,) = {each for each in hrefs(listed) if "trace=" in each}
    _, of_trace = drawn(alice, "logs", urlsplit(trace).query)
    assert "planner" in words(of_trace) and "Line 3" in words(of_trace), "its spans and its lines"
    for narrow, count in (
        ("level=error", 1),
        ("agent=till", 4),
        ("agent=nobody", 0),
        ("search=line+2", 1),
        ("trace=x", 0),
    ):
        _, found = drawn(alice, "logs", f"{HOUR}&{narrow}")
        assert len(re.findall(r"Line \d", words(found))) == count, narrow
        assert count or "Nothing matches" in words(found)
    with session(engine, write=True) as unit:
        since = int(SINCE.timestamp()) + 30
        for family in (LOGS, MEASUREMENTS):
            unit.add(Kept(family=family, raw_from=since, five_from=0, hour_from=0))
    for page, what in (("logs", "log lines"), ("measurements", "measurements")):
        said = (
            f"Single {what} are kept since 1 Mar 2026, 07:00:30 UTC−3. What this range holds before that is counted in "
            "whole five minutes, and percentiles over it are read from histograms."
        )
        assert said in words(drawn(alice, page, HOUR)[0])
    _, elsewhere = drawn(alice, "logs", "range=24h&lang=en")
    assert "No line speaks of a moment" in words(elsewhere)


def test_logs_are_turned_page_by_page(
    alice: Reader, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages import logs

    fill(engine, tmp_path)
    monkeypatch.setattr(logs, "SIZE", 3)
    _, listed = drawn(alice, "logs", HOUR)
    older = next(each for each in hrefs(listed) if "before=" in each)
    _, last = drawn(alice, "logs", urlsplit(older).query)
    assert "Line 0" in words(last) and "Line 1" not in words(last)
    assert not any("before=" in each for each in hrefs(last))
    _, newest = drawn(alice, "logs", f"{HOUR}&before=2026_x")
    assert "Line 3" in words(newest), "what is no place shows the newest"


def test_a_label_from_a_file_is_only_text(alice: Reader, engine: Engine, tmp_path: Path) -> None:
    values, marks = tmp_path / "x.csv", tmp_path / "m.csv"
    values.write_text("time,metric,value,source,unit\n2026-03-01T10:10:00Z,<i>m</i>,1,<b>s</b>,<u>\n")
    marks.write_text('begin,label\n2026-03-01T10:10:00Z,"<img src=x onerror=alert(1)>%{x}"\n')
    import_measurements(engine, [values])
    import_marks(engine, [marks])
    key = quote(text_of([SeriesKey("<i>m</i>", "<u>", "<b>s</b>")]))
    top, _ = drawn(alice, "measurements", f"{HOUR}&series={key}")
    graph = next(each for each in elements(top) if each["type"] == "Graph")["props"]["figure"]
    assert (
        "<img" not in str(graph)
        and "<u>" not in str(graph)
        and "<b>s</b>" not in str(graph)
        and "&lt;img" in str(graph)
    )
