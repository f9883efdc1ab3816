"""Files of measurements and marks: every shape, what is unknown, what is refused, and nothing twice."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from db.actor import OPERATOR
from db.engine import session as guarded
from db.measured_series import MOST_POINTS, SeriesKey, keys_of, step_of, text_of
from db.metric import Window, read, read_series
from db.models import Annotation, SystemMetric
from db.queries.annotations import marks_in
from db.queries.measurements import series_page, sources_of
from db.services.annotation_import import import_marks
from db.services.measurement_files import Wanted
from db.services.measurement_import import import_measurements
from tests.sessions import session

ALL = Window.parse("all")
WIDE = """Time,TimeStamp,PodName,Cpu(%),Busy
2022-08-22 03:51:19.607158889 +0000 UTC m=+0.113112869,1661140279,a,3.5,1
2022-08-22 03:52:19.589 +0000 UTC m=+60.09,1861140339,a,NaN,2
2022-08-22 03:52:19.589 +0000 UTC m=+60.09,1661140339,a,148,
2022-08-22 03:53:00,1661140380,b,x,-4
never,1661140380,b,1,1
2022-08-22 03:54:00,1661140440,b,1
,,,,
"""


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_column_per_metric_keeps_what_is_valid_once(engine: Engine, tmp_path: Path) -> None:
    path = put(tmp_path / "pods.csv", WIDE)
    first, second = (import_measurements(engine, [path]) for _ in range(2))
    assert (first.stored, first.already, first.skipped) == (7, 0, 1)
    assert (second.stored, second.already, second.refusals) == (0, 7, 3)
    assert [(each.line, each.reason.split(";")[0]) for each in first.refused] == [
        (5, "'Cpu': 'x' is no number"),
        (6, "'never' is no time"),
        (7, "4 fields where the first line names 5"),
    ]
    assert [note.partition(": ")[2][:26] for note in first.notes] == [
        "1 times without an offset ",
        "of 1 rows the two times ar",
        "2 cells are blank or NaN: ",
    ]
    with session(engine) as unit:
        rows = unit.execute(
            select(SystemMetric.recorded_at, SystemMetric.metric_value, SystemMetric.meta)
            .where(SystemMetric.metric_type == "Cpu")
            .order_by(SystemMetric.recorded_at, SystemMetric.metric_value.is_not(None))
        ).all()
    assert [None if row[1] is None else float(row[1]) for row in rows] == [3.5, None, 148.0]
    assert rows[0][0] == datetime(2022, 8, 22, 3, 51, 19, 607158, tzinfo=UTC)
    assert rows[1][2]["value"] == "NaN" and "no value" in rows[1][2]["reason"] and rows[1][2]["line"] == 3
    _numbers(engine)


def _numbers(engine: Engine) -> None:
    key = text_of([SeriesKey("Cpu", "%", "a")])
    with session(engine) as unit:
        found = {
            name: read(unit, f"measurements.{name}", ALL, (key,))
            for name in ("count", "unknown", "most", "p95")
        }
        course = read_series(
            unit, "measurements.by_time", Window.parse("2022-08-22T03:50:00Z/2022-08-22T04:00:00Z"), (key,)
        )
        rows, total = series_page(unit, ALL, "cpu", 1, 25)
        assert sources_of(unit, ALL, SeriesKey("Busy"), 12) == [
            SeriesKey("Busy", None, each) for each in "ab"
        ]
    assert [found[name].value for name in ("count", "unknown", "most", "p95")] == [2, 1, 148.0, None]
    assert [(row["at"], row["value"], row["count"], row["unknown"]) for row in course.rows] == [
        ("2022-08-22T03:51:19", 3.5, 1, 0),
        ("2022-08-22T03:52:19", 148.0, 1, 1),
    ]
    assert total == 1 and rows[0]["key"] == SeriesKey("Cpu", "%", "a")
    assert (rows[0]["readings"]["last"].value, rows[0]["readings"]["last"].n) == (148.0, 2)


@pytest.mark.databases("sqlite")
def test_other_shapes_and_what_cannot_be_one(engine: Engine, tmp_path: Path) -> None:
    value = put(
        tmp_path / "nab-load_1.csv", "timestamp,value\n2014-01-01 00:00:00,1\n2014-01-01 00:00:00,2\n"
    )
    long = put(tmp_path / "long.csv", "at;metric;value;unit\n10;temp;1e3;C\n20;db.round_trip_ms;1;\n30;;2;\n")
    assert import_measurements(engine, [value], Wanted(unit="%", source="host")).stored == 2, (
        "both of one moment"
    )
    report = import_measurements(engine, [long])
    assert report.stored == 1 and [each.line for each in report.refused] == [3, 4]
    assert "measures itself" in report.refused[0].reason
    for name, text, why in (
        ("time.csv", "day,value\n1,2\n", "no field tells the time"),
        ("only.csv", "time,a\n1,2\n", "no metric of it is wanted"),
        ("twice.csv", "time,a,a\n1,2,3\n", "is there twice"),
        ("old.csv", "time,value\n1500-01-01,2\n", "outside the years"),
    ):
        wrong = import_measurements(
            engine, [put(tmp_path / name, text)], Wanted(only=("b",)) if name[0] == "o" else None
        )
        assert not wrong.stored and why in wrong.refused[0].reason, name
    assert "no such file" in import_measurements(engine, [tmp_path / "none.csv"]).refused[0].reason
    with session(engine) as unit:
        kept = unit.execute(
            select(SystemMetric.metric_type, SystemMetric.metric_unit, SystemMetric.source)
        ).all()
    assert sorted(map(tuple, kept)) == [("load_1", "%", "host"), ("load_1", "%", "host"), ("temp", "C", None)]


def test_marks_are_stored_once_and_replaced_together(engine: Engine, tmp_path: Path) -> None:
    faults = (
        '{"03": [{"inject_timestamp": "1661140434", "inject_pod": "a", "inject_type": "cpu_contention"}]}'
    )
    windows = '{"x/load_1.csv": [["2014-01-01 00:00:00.000000", "2014-01-02 00:00:00"], ["2014-02-02", "2014-02-01"]]}'
    plain = "begin,end,kind,label,metric,source\n2014-01-01T12:00:00Z,,release,v2,,\n,,,,,\nsoon,,,,,\n"
    paths = [
        put(tmp_path / name, text)
        for name, text in (("f.json", faults), ("w.json", windows), ("p.csv", plain))
    ]
    first, second = (import_marks(engine, paths) for _ in range(2))
    assert (first.stored, first.already, first.refusals) == (3, 0, 2)
    assert (second.stored, second.already) == (0, 3)
    assert [each.line for each in first.refused] == [2, 4] and "before it begins" in first.refused[0].reason
    assert "stored 0 marks" in str(second) and "read as UTC" in first.notes[0]
    year = Window.parse("2014-01-01T18:00:00Z/2015-01-01T00:00:00Z")
    with session(engine) as unit:
        of_load = marks_in(unit, year, [SeriesKey("load_1")])
        assert [(each["label"], each["origin"]) for each in of_load] == [("labelled anomaly", "w.json:1")]
        everything = marks_in(unit, ALL, [SeriesKey("Cpu", "%", "a"), SeriesKey("load_1")])
        assert [each["kind"] for each in everything] == ["anomaly", "release", "fault"]
        assert [each["kind"] for each in marks_in(unit, ALL, [SeriesKey("Cpu", "%", "b")])] == ["release"]
    put(paths[2], "begin,label\n2014-01-05T00:00:00Z,v3\n")
    again = import_marks(engine, paths[2:], replace=True)
    assert (again.stored, again.replaced) == (1, 1)
    with guarded(engine, OPERATOR) as unit:
        assert unit.scalar(select(func.count()).select_from(Annotation)) == 3
    assert (
        "no file of marks" in import_marks(engine, [put(tmp_path / "n.json", '{"a": 1}')]).refused[0].reason
    )


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_names_series(text: str) -> None:
    keys = keys_of(text)
    assert keys and keys_of(text_of(keys)) == tuple(sorted(keys, key=str)) or len(keys) == 1


@given(st.integers(1, 40 * 366 * 86_400))
@settings(max_examples=200, deadline=None)
def test_a_chart_has_no_more_points_than_it_can_show(seconds: int) -> None:
    start = datetime(1980, 1, 1, tzinfo=UTC).timestamp()
    ends = [datetime.fromtimestamp(start + each, UTC).isoformat() for each in (0, seconds)]
    assert seconds / step_of(Window.parse("/".join(ends))) <= MOST_POINTS
