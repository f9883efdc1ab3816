"""Each kind of response time by itself, by nearest rank, with its failures apart; throughput, queues and load."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.metric import METRICS, TOO_FEW, Window, read
from db.models import ApiLog
from db.proof import prove
from db.queries.answers import NUMBERS, SERVER_TIME
from db.services import measure
from db.services.otlp_files import import_files
from db.timings import Timing
from tests.noted import note_arranged
from tests.otlp import BEGIN, SECOND, request, span, write
from tests.sessions import session

ALL = Window.parse("all")
START = datetime.fromtimestamp(BEGIN / SECOND, UTC)
DAY = Window.parse(f"{START.isoformat()}/{(START + timedelta(days=1)).isoformat()}")


def bring(engine: Engine, folder: Path, *spans: dict[str, Any], service: str = "shop") -> None:
    report = import_files(
        engine, [write(folder / f"{len(list(folder.iterdir()))}.jsonl", request(*spans, service=service))]
    )
    assert report.spans == len(spans), report


def values(engine: Engine, *keys: str, window: Window = ALL) -> list[Any]:
    with session(engine) as unit:
        return [read(unit, key, window).value for key in keys]


def ranked(engine: Engine, domain: str, window: Window = ALL) -> list[Any]:
    return values(engine, *(f"{domain}_p{percent}_ms" for percent in (50, 95, 99)), window=window)


def event(at_ms: float, number: int, name: str = "First Token Stream Event") -> dict[str, Any]:
    begin = BEGIN + number * 1_000_000
    return {
        "events": [{"name": name, "timeUnixNano": str(begin + round(at_ms * 1_000_000)), "attributes": []}]
    }


def test_tasks_are_ranked_without_those_that_failed_which_are_counted_apart(
    engine: Engine, tmp_path: Path
) -> None:
    done = [span(each, trace=each, status=1, millis=each) for each in range(1, 20)]
    bring(engine, tmp_path, *done)
    with session(engine) as unit:
        assert read(unit, "tasks.duration_p95_ms", ALL).reason == TOO_FEW
    more = [span(each, trace=each, status=1, millis=each) for each in range(20, 101)]
    failed = [
        span(900 + place, trace=900 + place, status=2, millis=5000, **({"error.type": word} if word else {}))
        for place, word in enumerate(("asyncio.CancelledError", "UNAVAILABLE", "ValueError", None))
    ]
    bring(engine, tmp_path, *more, *failed)
    assert ranked(engine, "tasks.duration") == [50, 95, 99]
    counted = values(engine, "tasks.count", "tasks.failures", "tasks.cancelled", "tasks.aborted")
    assert counted == [104, 4, 1, 1]
    with session(engine) as unit:
        first = prove(unit, "tasks.duration_p99_ms", ALL).rows[0]
        assert (first["ms"], first["place"], first["n"]) == (99, 99, 100)
        assert [row["error_type"] for row in prove(unit, "tasks.cancelled", ALL).rows] == [
            "asyncio.CancelledError"
        ]


def test_the_first_token_is_told_by_attribute_or_event_and_unknown_where_nobody_says(
    engine: Engine, tmp_path: Path
) -> None:
    chat = {"gen_ai.operation.name": "chat"}
    told = [
        {"gen_ai.response.time_to_first_chunk": 0.2},
        {"gen_ai.latency.time_to_first_token": "0.3"},
        {"ai.response.msToFirstChunk": 400},
        {"gen_ai.server.time_to_first_token": 150},  # of a span of one second: no seconds can be meant
        {"gen_ai.response.time_to_first_chunk": "soon"},
        {},
    ]
    bring(engine, tmp_path, span(90, trace=90, millis=1000, **chat))
    with session(engine) as unit:
        nobody = read(unit, "models.first_token_p50_ms", ALL)
    assert (nobody.value, nobody.n) == (None, 0) and "first token" in str(nobody.reason)
    spans = [span(each, trace=each, millis=1000, **chat, **more) for each, more in enumerate(told, 1)]
    by_event = span(50, trace=50, millis=1000, **chat) | event(100, 50)
    other = span(51, trace=51, millis=1000, **chat) | event(700, 51, "log")
    failed = span(60, trace=60, status=2, millis=1000, **chat, **told[0])
    bring(engine, tmp_path, *spans, by_event, other, failed)
    with session(engine) as unit:
        rows = prove(unit, "models.first_token_p50_ms", ALL).rows
        reading = read(unit, "models.first_token_p50_ms", ALL)
    assert [round(row["ms"]) for row in rows] == [200, 300, 400] and rows[0]["n"] == reading.n == 4
    assert reading.value == pytest.approx(200)
    assert values(engine, "models.failures") == [1]


def test_a_queue_is_waited_in_where_spans_say_so(engine: Engine, tmp_path: Path) -> None:
    with session(engine) as unit:
        assert read(unit, "tasks.queue_wait_p50_ms", ALL).reason
    waits = [span(each, trace=each, **{"gen_ai.latency.time_in_queue": each / 100}) for each in (1, 2, 3)]
    bring(engine, tmp_path, *waits, span(9, trace=9))
    assert values(engine, "tasks.queue_wait_p50_ms") == [pytest.approx(20)]


def test_throughput_is_tasks_by_hours_that_passed(engine: Engine, tmp_path: Path) -> None:
    assert values(engine, "tasks.per_hour", window=DAY) == [0]
    assert values(engine, "tasks.per_hour") == [None]
    bring(engine, tmp_path, *(span(each, trace=each) for each in range(1, 13)))
    assert values(engine, "tasks.per_hour", window=DAY) == [pytest.approx(0.5)]
    half = Window.parse(DAY.name, START + timedelta(hours=12))
    assert values(engine, "tasks.per_hour", window=half) == [pytest.approx(1)]
    assert values(engine, "tasks.per_hour", window=Window.parse(DAY.name, START)) == [None]
    sixth = Window.parse("all", START + timedelta(hours=6))
    assert values(engine, "tasks.per_hour", window=sixth) == [pytest.approx(2, rel=1e-3)]


def test_the_load_of_slots_is_unknown_while_nobody_takes_leases(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, span(1, millis=5000))
    with session(engine) as unit:
        for key, subject in (("fleet.neural_load", ()), ("agent.neural_load", ("shop",))):
            reading = read(unit, key, ALL, subject)
            assert (reading.value, reading.n, reading.reason) == (None, 0, METRICS[key].few)


def answered(ms: float | None, kind: str = SERVER_TIME) -> Timing:
    return Timing(kind, ms, "asked", "overview-body.children", "web", START, None if ms else "failed")


def test_pages_are_answered_fast_or_slow_or_not_at_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session(engine, write=True) as unit:
        measure.store_timings(unit, [answered(each) for each in (400, 500, 501, 2000, 2001, None)])
        measure.store_timings(unit, [answered(80, NUMBERS), answered(None, NUMBERS)])
    assert values(engine, "web.server_time_p50_ms", "web.server_failures") == [501, 1]
    assert values(engine, "browser.numbers_p50_ms", "browser.failures") == [80, 1]
    with session(engine) as unit:
        told = read(unit, "web.apdex", DAY)
    assert (told.value, told.n) == (pytest.approx((2 + 2 / 2) / 6), 6)
    with session(engine, write=True) as unit:
        assert measure.forget(unit, START + timedelta(days=6)) == 0, "kept for a week"
    monkeypatch.setenv("QUANTUM_APDEX_SECONDS", "2.001")
    assert values(engine, "web.apdex") == [pytest.approx(5 / 6)]
    with session(engine, write=True) as unit:
        assert measure.forget(unit, START + timedelta(days=8)) == 8


def test_programs_calls_that_were_not_answered_lie_in_no_percentile(engine: Engine) -> None:
    calls = [(200, 10), (404, 20), (503, 9000), (200, None)]
    with session(engine, write=True) as unit:
        unit.add_all(
            ApiLog(endpoint="/v1/traces", method="POST", status_code=status, response_time_ms=ms)
            for status, ms in calls
        )
        note_arranged(unit)
    assert values(engine, "api.response_p50_ms", "api.failures") == [10, 1]
    with session(engine) as unit:
        told = read(unit, "api.apdex", ALL)
    assert (told.value, told.n) == (pytest.approx(2 / 3), 3)
