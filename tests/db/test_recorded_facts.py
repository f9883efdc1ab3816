"""The shop day's pods, the labelled series, the railway minute's logs and all marks agree with facts.json."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db.engine import make_engine
from db.measured_series import SeriesKey, text_of
from db.metric import Window, from_ns, read, read_series
from db.models import AgentLog, Annotation, SystemMetric
from db.queries.annotations import marks_in
from db.queries.logs import extent
from db.services.annotation_import import import_marks
from db.services.measurement_files import Wanted
from db.services.measurement_import import import_measurements
from db.services.otlp_files import import_files
from tests.databases import Databases
from tests.sessions import session

ALL = Window.parse("all")
PODS = "metrics/onlineboutique-2022-08-22.pod-metrics.csv.gz"
POINTS = "metrics/onlineboutique-2022-08-22.otlp-metrics.jsonl.gz"
LOGS = "logs/trainticket-2023-01-29-0843.otlp-logs.jsonl.gz"
NAB = tuple(
    f"metrics/nab-{name}.csv.gz"
    for name in (
        "ec2_cpu_utilization_825cc2",
        "ec2_network_in_5abac7",
        "ec2_request_latency_system_failure",
        "elb_request_count_8c0756",
        "rds_cpu_utilization_cc0c53",
    )
)
SMALLEST = NAB[3]
OF_PODS = {
    "cpu_rate_percent": ("CpuUsageRate", "%"),
    "memory_rate_percent": ("MemoryUsageRate", "%"),
    "server_latency_p90_s": ("PodServerLatencyP90", "s"),
}
sqlite = pytest.mark.databases("sqlite")


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "data" / "facts.json").read_text())
    return found


@pytest.fixture(scope="module")
def filled(databases: Databases, shared_data: Path) -> Iterator[Engine]:
    """Every file once, of the pods' nineteen metrics the three that the facts speak of."""
    data = shared_data / "data"
    with databases.migrated("sqlite") as url:
        engine = make_engine(url)
        nab = import_measurements(engine, [data / name for name in NAB])
        pods = import_measurements(
            engine, [data / PODS], Wanted(only=tuple(name for name, _ in OF_PODS.values()))
        )
        told = import_files(engine, [data / POINTS, data / LOGS])
        marks = import_marks(engine, [data / "metrics" / name for name in (
            "onlineboutique-2022-08-22.fault_list.json", "nab-anomaly-windows.json")])  # fmt: skip
        assert not (nab.refused or pods.refused or told.refused or marks.refused)
        assert any("1,209 rows the two times are more than a minute apart" in note for note in pods.notes)
        assert any(": 52 cells are blank or NaN" in note for note in pods.notes)
        yield engine
        engine.dispose()


def agrees(engine: Engine, keys: list[SeriesKey], values: list[float], told: dict[str, Any]) -> None:
    """The metrics with the facts, and with the ranks of the file's own values; the facts' percentiles are interpolated
    between two of them."""
    with session(engine) as unit:
        found = {
            name: read(unit, f"measurements.{name}", ALL, (text_of(keys),)).value
            for name in ("count", "least", "mean", "most", "p50", "p95")
        }
    for name, fact in (("count", "n"), ("least", "min"), ("mean", "mean"), ("most", "max")):
        assert found[name] == pytest.approx(told[fact], abs=2e-6), (keys, name)
    ordered = sorted(values)
    for name, percent in (("p50", 50), ("p95", 95)):
        rank = ordered[ceil(percent * len(ordered) / 100) - 1]
        assert found[name] == pytest.approx(rank, abs=1e-6), (keys, name)
        place = percent * (len(ordered) - 1) / 100
        low, high = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
        assert low + (high - low) * (place % 1) == pytest.approx(told[name], abs=1e-5)


def columns(path: Path, *names: str) -> dict[str, list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in names}


@sqlite
@pytest.mark.parametrize("name", NAB)
def test_labelled_series(filled: Engine, shared_data: Path, facts: dict[str, Any], name: str) -> None:
    held = columns(shared_data / "data" / name, "timestamp", "value")
    key = SeriesKey(name.removeprefix("metrics/nab-").removesuffix(".csv.gz"))
    assert len(held["value"]) == facts[name]["rows"]
    agrees(filled, [key], [float(each) for each in held["value"]], facts[name]["value"])
    with session(filled) as unit:
        windows = json.loads((shared_data / "data" / "metrics" / "nab-anomaly-windows.json").read_text())
        (labelled,) = [each for series, each in windows.items() if key.metric in series]
        found = marks_in(unit, ALL, [key])
        ends = [[f"{mark[end]:%Y-%m-%d %H:%M:%S.%f}" for end in ("starts_at", "ends_at")] for mark in found]
        assert ends == labelled


@sqlite
@pytest.mark.parametrize("fact", OF_PODS)
def test_pods_of_the_shop_day(filled: Engine, shared_data: Path, facts: dict[str, Any], fact: str) -> None:
    metric, unit_of = OF_PODS[fact]
    held = columns(shared_data / "data" / PODS, f"{metric}({unit_of})")[f"{metric}({unit_of})"]
    values = [float(each) for each in held if each != "NaN"]
    pods = [SeriesKey(metric, unit_of, pod) for pod in facts[PODS]["pods"]]
    agrees(filled, pods, values, facts[PODS][fact])
    with session(filled) as unit:
        for pod in pods:
            rows = [
                read(unit, f"measurements.{name}", ALL, (text_of([pod]),)).value
                for name in ("count", "unknown")
            ]
            assert sum(map(int, filter(None, rows))) == facts[PODS]["pods"][pod.source]
        unknown = read(unit, "measurements.unknown", ALL, (text_of(pods),))
        day = Window.parse("2022-08-22T00:00:00Z/2022-08-23T00:00:00Z")
        course = read_series(unit, "measurements.by_time", day, (text_of(pods),))
        assert course.n == facts[PODS][fact]["n"], "of one day, and none of 2028"
    assert unknown.value == facts[PODS]["rows"] - facts[PODS][fact]["n"]


@sqlite
def test_faults_and_windows_are_all_marked(filled: Engine, shared_data: Path) -> None:
    path = shared_data / "data" / "metrics" / "onlineboutique-2022-08-22.fault_list.json"
    faults = [each for hour in json.loads(path.read_text()).values() for each in hour]
    with session(filled) as unit:
        kinds = dict(unit.execute(select(Annotation.kind, func.count()).group_by(Annotation.kind)).all())
        assert kinds == {"fault": len(faults), "anomaly": 10} and len(faults) == 24
        for pod in {each["inject_pod"] for each in faults}:
            told = [each for each in faults if each["inject_pod"] == pod]
            found = marks_in(unit, ALL, [SeriesKey("CpuUsageRate", "%", pod)])
            assert [(int(mark["starts_at"].timestamp()), mark["label"]) for mark in found] == [
                (int(each["inject_timestamp"]), each["inject_type"]) for each in told
            ]
            noted = [mark["note"] for mark in found if mark["note"]]
            assert len(noted) == ("2022-08-22 07:10:43" in [each["inject_time"] for each in told]), (
                "a minute off"
            )
            assert all(mark["ends_at"] is None for mark in found), "the file does not say how long"


@sqlite
def test_points_and_logs_over_the_protocol(filled: Engine, facts: dict[str, Any]) -> None:
    told = facts[LOGS]
    with session(filled) as unit:
        levels = dict(
            unit.execute(select(AgentLog.log_level, func.count()).group_by(AgentLog.log_level)).all()
        )
        assert levels == {"error": 2, "info": 2315, "warning": 118} and sum(levels.values()) == 2435
        found = {name: read(unit, f"logs.{name}", ALL).value for name in ("lines", "warnings", "errors")}
        assert found == {
            "lines": 2435,
            "warnings": told["severity"]["WARN"],
            "errors": told["severity"]["ERROR"],
        }
        assert extent(unit) == (from_ns(int(told["first"])), from_ns(int(told["last"])))
        minute = Window.parse("2023-01-29T08:42:00Z/2023-01-29T08:44:00Z")
        course = read_series(unit, "logs.by_time", minute)
        assert course.n == 2435 and {row["seconds"] for row in course.rows} == {1}
        points = select(func.count()).where(SystemMetric.meta["kind"].as_string() == "gauge")
        assert unit.scalar(points) == facts[POINTS]["data_points"]
        assert extent(unit)[1] - extent(unit)[0] < timedelta(minutes=1, seconds=1)


def test_the_smallest_file_on_either_database_once(
    engine: Engine, shared_data: Path, facts: dict[str, Any]
) -> None:
    path = shared_data / "data" / SMALLEST
    first, second = (import_measurements(engine, [path]) for _ in range(2))
    assert (first.stored, second.stored, second.already) == (4032, 0, 4032)
    values = [float(each) for each in columns(path, "value")["value"]]
    agrees(engine, [SeriesKey("elb_request_count_8c0756")], values, facts[SMALLEST]["value"])
