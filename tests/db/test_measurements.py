"""What points of every kind become, what is kept of them, and which of them are there already."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db.actor import SYSTEM
from db.engine import session as guarded
from db.metric import from_ns
from db.models import SystemMetric
from db.services.measurements import StoredPoints, field_of, store_points
from db.services.otlp_envelope import items_of
from db.services.otlp_metrics import (
    NAMES,
    NO_NUMBER,
    NO_SUM,
    SILENT,
    TOO_LARGE,
    Point,
    column_value,
    points_of,
)
from db.services.otlp_requests import RESERVED_NAMES
from db.services.otlp_values import Invalid
from tests.api.documents import metric, metrics, point
from tests.otlp import BEGIN, attribute
from tests.sessions import session


def read(document: dict[str, Any]) -> list[Point | Invalid]:
    return list(points_of(items_of(document, NAMES), RESERVED_NAMES))


def put(engine: Engine, document: dict[str, Any]) -> StoredPoints:
    with guarded(engine, SYSTEM, write=True) as unit:
        return store_points(unit, [each for each in read(document) if isinstance(each, Point)], "key a")


def stored(engine: Engine) -> list[SystemMetric]:
    with session(engine) as unit:
        return list(
            unit.scalars(select(SystemMetric).order_by(SystemMetric.metric_type, SystemMetric.recorded_at))
        )


def one(engine: Engine, given: dict[str, Any]) -> SystemMetric:
    assert len(put(engine, metrics(given)).new) == 1
    return stored(engine)[0]


def test_a_sum_keeps_its_unit_and_everything_else(engine: Engine) -> None:
    sent = point(
        5,
        asInt="42",
        startTimeUnixNano=str(BEGIN),
        attributes=[attribute("gen_ai.agent.name", "planner")],
        exemplars=[{"timeUnixNano": str(BEGIN), "asDouble": 2.5, "traceId": "ab" * 16, "spanId": "cd" * 8}],
    )
    given = metric("gen_ai.tokens", "sum", sent, unit="{token}", description="Tokens.", isMonotonic=True)
    given["sum"]["aggregationTemporality"] = "AGGREGATION_TEMPORALITY_CUMULATIVE"
    row = one(engine, given)
    assert (row.metric_value, row.metric_unit, row.category) == (42, "{token}", "agent")
    assert (row.source, row.recorded_at) == ("shop/planner", from_ns(BEGIN + 5))
    assert row.meta == {
        "kind": "sum",
        "description": "Tokens.",
        "temporality": "cumulative",
        "monotonic": True,
        "start_ns": BEGIN,
        "time_ns": BEGIN + 5,
        "attributes": {"gen_ai.agent.name": "planner"},
        "resource": {"service.name": "shop"},
        "exemplars": [{"value": 2.5, "time_ns": BEGIN, "trace_id": "ab" * 16, "span_id": "cd" * 8}],
        "source": "key a",
    }


def test_a_histogram_is_its_sum_with_count_and_buckets_beside_it(engine: Engine) -> None:
    sent = point(count="3", sum=0.0, min=-1, max=1, bucketCounts=[1, "2"], explicitBounds=[0])
    row = one(engine, metric("spent", "histogram", sent, unit="s", aggregationTemporality=1))
    assert (row.metric_value, row.metric_unit) == (0, "s")
    told = {
        key: row.meta[key]
        for key in ("kind", "temporality", "count", "sum", "min", "max", "bounds", "counts")
    }
    assert told == {
        "kind": "histogram", "temporality": "delta", "count": 3, "sum": 0.0, "min": -1.0, "max": 1.0,
        "bounds": [0.0], "counts": [1, 2],
    }  # fmt: skip


def test_exponential_histograms_and_summaries_keep_what_they_counted(engine: Engine) -> None:
    quantiles = [{"quantile": 0.5, "value": 4}, {"quantile": 1}]
    half = {"offset": -2, "bucketCounts": ["1", "0", "4"]}
    put(
        engine,
        metrics(
            metric("a", "exponentialHistogram", point(count=6, scale=-3, zeroCount="1", positive=half)),
            metric("b", "summary", point(count=2, sum=9.5, quantileValues=quantiles)),
            metric("c", "summary", point(count=0)),
        ),
    )  # fmt: skip
    a, b, c = stored(engine)
    assert (a.metric_value, a.meta["reason"]) == (None, NO_SUM)
    assert (a.meta["count"], a.meta["scale"], a.meta["zero_count"]) == (6, -3, 1)
    assert a.meta["positive"] == {"offset": -2, "counts": [1, 0, 4]} and "negative" not in a.meta
    assert (b.metric_value, b.meta["quantiles"]) == (Decimal("9.5"), [[0.5, 4.0], [1.0, 0.0]])
    assert (c.metric_value, c.meta["count"]) == (0, 0)


@pytest.mark.parametrize(
    ("sent", "value", "reason", "kept"),
    [
        ({"asDouble": "NaN"}, None, NO_NUMBER, "NaN"),
        ({"asDouble": "-Infinity"}, None, NO_NUMBER, "-Infinity"),
        ({"flags": 1}, None, SILENT, None),
        ({"flags": 1, "asDouble": 0.0}, None, SILENT, None),
        ({"attributes": []}, None, SILENT, None),
        ({"asDouble": 1e300}, None, TOO_LARGE, 1e300),
        ({"asInt": str(2**63 - 1)}, None, TOO_LARGE, 2**63 - 1),
        ({"asInt": "123456789012345678"}, Decimal("123456789012346000"), None, 123456789012345678),
        ({"asDouble": 2.8428216598097054}, Decimal("2.842822"), None, 2.8428216598097054),
        ({"asDouble": 123456789.123456789}, Decimal("123456789.123457"), None, 123456789.123456789),
        ({"asDouble": 1e-9}, 0, None, 1e-9),
        ({"asDouble": -0.0}, 0, None, None),
        ({"asDouble": 33.41015625}, Decimal("33.410156"), None, 33.41015625),
        ({"asInt": 0}, 0, None, None),
    ],
    ids=str,
)
def test_a_value_is_kept_as_the_column_can_and_as_it_was(
    engine: Engine, sent: dict[str, Any], value: Any, reason: str | None, kept: Any
) -> None:
    row = one(engine, metric("load", "gauge", point(**sent)))
    assert (row.metric_value, row.meta.get("reason"), row.meta.get("value")) == (value, reason, kept)


@pytest.mark.databases("sqlite")
def test_every_value_up_to_the_limit_fits_the_column() -> None:
    column: Any = SystemMetric.__table__.c.metric_value.type
    for power in range(-12, 18):
        for digits in (1, 3.3333333333333335, 9.999999999999999, -7.000000000000001):
            value, _ = column_value(digits * 10.0**power)
            assert value is None or column.process_bind_param(value, _Sqlite()) is not None
            assert (value is None) == (power == 17 and digits == 9.999999999999999)


class _Sqlite:
    name = "sqlite"


def test_the_same_points_again_add_none_and_each_difference_is_a_point(engine: Engine) -> None:
    first = metrics(
        metric("load", "gauge", point(1), point(2), unit="1"), metric("load", "gauge", point(1), unit="s")
    )
    assert len(put(engine, first).new) == 3
    again = put(engine, first)
    assert (len(again.new), again.already) == (0, 3)
    labelled = metric("load", "gauge", point(1, asInt=1, attributes=[attribute("a", 1)]), unit="1")
    assert len(put(engine, metrics(labelled)).new) == 1
    started = metric("load", "gauge", point(1, asInt=1, startTimeUnixNano=str(BEGIN)), unit="1")
    assert len(put(engine, metrics(started)).new) == 1
    assert len(put(engine, metrics(metric("load", "gauge", point(1), unit="1"), service="other")).new) == 1


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_nobody_changes_what_the_application_measures_of_itself(name: str) -> None:
    (refused,) = read(metrics(metric(name, "gauge", point(1), point(2))))
    assert isinstance(refused, Invalid) and (refused.kind, refused.count) == ("reserved_name", 2)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("given", "kind", "count"),
    [
        (metric("", "gauge", point(1), point(2)), "wrong_form", 2),
        (metric("n" * 1025, "gauge", point(1)), "too_large", 1),
        (metric("a", "gauge", {"asInt": 1}), "bad_times", 1),
        (metric("a", "gauge", point(1, asInt="x")), "wrong_form", 1),
        (metric("a", "gauge", point(1, asDouble=[])), "wrong_form", 1),
        (metric("a", "sum", point(1), aggregationTemporality=9), "wrong_form", 1),
        (metric("a", "histogram", point(count=-1)), "wrong_form", 1),
        (metric("a", "histogram", point(count=1, bucketCounts=[1], explicitBounds=[1, 2])), "wrong_form", 1),
        (metric("a", "histogram", point(count=1, bucketCounts=[1] * 1025)), "too_large", 1),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_with_its_kind(given: dict[str, Any], kind: str, count: int) -> None:
    (refused,) = read(metrics(given))
    assert isinstance(refused, Invalid) and (refused.kind, refused.count) == (kind, count)


@pytest.mark.databases("sqlite")
def test_the_category_follows_from_the_name() -> None:
    names = (
        "gen_ai.client.token.usage",
        "process.cpu.time",
        "system.network.io",
        "CpuUsage",
        "http.server.duration",
    )
    assert [field_of(name) for name in names] == ["agent", "performance", "network", "general", "performance"]


def test_points_of_an_unknown_service_are_nobodys(engine: Engine) -> None:
    put(engine, metrics(metric("load", "gauge", point(1)), service=None))
    assert stored(engine)[0].source is None
