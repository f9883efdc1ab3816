"""More for tests.filled: tasks and model calls that end in every way, answers, what providers report, an objective.

A hundred and more of each kind, so that every percentile has enough of them.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.models import Agent, ApiLog, Objective, ProviderUsage, SystemMetric
from db.services.otlp_files import import_files
from db.window import to_ns
from tests import module_rows
from tests.noted import note_arranged
from tests.otlp import attribute, request, span, write

SINCE = datetime(2026, 3, 1, 10, tzinfo=UTC)
MANY = 180
ENDED = SINCE + timedelta(hours=3)  # the last task begins a minute and a half before
APART_NS = 90_000_000_000
ERRORS = (
    "CancelledError",
    "asyncio.exceptions.CancelledError",
    "UNAVAILABLE",
    "builtins.ConnectionResetError",
)
SAID = (
    {"gen_ai__response__time_to_first_chunk": 0.004},
    {"gen_ai__server__time_to_first_token": "0.0035"},
    {"ai__response__msToFirstChunk": 6},
    {"gen_ai__response__time_to_first_token": 4000},  # milliseconds, by mistake
    {"gen_ai__response__time_to_first_chunk": "soon"},
)


def runs(engine: Engine, folder: Path) -> None:
    """A worker's tasks, each with a call of a model; the first came before its service ever told a status."""
    spans = [each for place in range(MANY) for each in _run(place)]
    import_files(engine, [write(folder / "tasks.jsonl", request(*spans, service="workers"))])


def _run(place: int) -> list[dict[str, Any]]:
    trace, start = 5000 + place, to_ns(ENDED) - (MANY - place) * APART_NS
    failed = place % 9 == 4
    task: dict[str, Any] = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "runner"}
    if failed:
        task["error__type"] = [*ERRORS, "ValueError"][place // 9 % 5]
    if place % 3:
        task["gen_ai__latency__time_in_queue"] = place / 1000
    status = 2 if failed else 1 if place % 5 else None
    model: dict[str, Any] = {
        "gen_ai__operation__name": "chat",
        "gen_ai__request__model": "Large" if place % 4 else "small",
        "gen_ai__usage__input_tokens": 10 + place,
    }
    if place % 2:
        model["gen_ai__usage__output_tokens"] = place
    said = {} if place % 6 == 5 else SAID[place % 6]
    child = span(2, 1, trace=trace, start=start, millis=5 + place / 8, status=2 if place % 31 == 7 else None)
    child["attributes"] += [attribute(key.replace("__", "."), value) for key, value in (model | said).items()]
    if not said:
        first = start + (place + 1) * 40_000
        child["events"] = [
            {"name": "llm.content.completion.chunk", "timeUnixNano": str(first + later)} for later in (7, 0)
        ]
    return [span(1, trace=trace, start=start, millis=100 + place * 7 % MANY, status=status, **task), child]


def answers(unit: Session) -> None:
    """Pages answered, painted and filled, with a failure of each, and more round trips and calls of programs."""
    kinds = {
        "web.server_time_ms": ("asked", "20.125"),
        "browser.first_paint_ms": ("page", "9.5"),
        "browser.numbers_ms": ("page", "31"),
        "db.round_trip_ms": ("asked", "0.125"),
    }
    for kind, (fact, step) in kinds.items():
        for place in range(1, MANY + 1):
            value = None if place in (17, 90) else Decimal(step) * place
            error = {} if value is not None else {"error": "failed"}
            unit.add(
                SystemMetric(
                    metric_type=kind,
                    metric_value=value,
                    meta={fact: "/fleet", **error},
                    recorded_at=SINCE + timedelta(minutes=place),
                )
            )
    for place in range(MANY):
        call = {"endpoint": "/v1/spans", "method": "GET", "created_at": SINCE + timedelta(seconds=place)}
        status, took = (503, 1) if place % 40 == 3 else (200, None if place % 40 == 5 else 13 * place)
        unit.add(ApiLog(status_code=status, response_time_ms=took, **call))
    note_arranged(unit)


def reports(unit: Session) -> None:
    """Of the day of the agents' runs: one model both sides tell, one that only providers do, in two currencies and in
    none; and of the tasks' day, which was not over when they ended."""
    day = date(2023, 11, 14)
    rows: list[tuple[date, str, int | None, int | None, str | None, str | None]] = [
        (day, "LARGE", 9000, 4000, "1.250001", "USD"),
        (day, "large", 100, 5, "0.5", "GBP"),
        (day, "other", 5, 5, None, "USD"),
        (day + timedelta(days=1), "small", 3, 3, "0.25", "GBP"),
        (day - timedelta(days=1), "small", None, 70, "0.000002", None),
        (SINCE.date(), "large", 1, 1, "7", "USD"),
    ]
    for place, (when, model, given, answered, cost, currency) in enumerate(rows):
        unit.add(
            ProviderUsage(
                id=UUID(int=place + 1),
                provider=f"provider {place}",
                day=when,
                model=model,
                input_tokens=given,
                output_tokens=answered,
                cost=None if cost is None else Decimal(cost),
                currency=currency,
                source="usage.csv",
            )
        )


def aims(unit: Session) -> None:
    """An objective, and two agents with measures in their rows."""
    ada = module_rows.person(unit, "ada").id
    unit.add(Objective(name="tasks", target=Decimal("97.5"), least_events=10, set_by=ada))
    for agent, efficiency, up in (("till", Decimal("95.25"), 3600), ("shop", None, 60)):
        row = unit.get_one(Agent, agent)
        row.efficiency, row.uptime_seconds, row.measured_at = efficiency, up, ENDED
