"""A database with some rows of every kind, small enough for any test and varied enough to tell numbers apart."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.catalogue.loader import seed
from db.models import AgentConnection, AgentLog, Annotation, Deal, DealActivity, SystemMetric
from db.services.otlp_files import import_files
from tests import filled_times, module_rows, module_rows_b
from tests.filled_uptime import CHECK, uptime
from tests.noted import note_arranged
from tests.otlp import request, span, write
from tests.reader import small_fleet
from tests.sessions import session

SINCE = filled_times.SINCE
# What each metric or series that speaks of something may be asked about.
SUBJECTS = {
    ("agent",): ("till",),
    ("caller", "callee"): ("shop", "till"),
    ("check",): (str(CHECK),),
    ("currency",): ("GBP",),
    ("day", "model"): ("2023-11-14", "large"),
    ("role",): ("user",),
    ("series",): ('[["load","%","pod-a"]]',),
    ("stretch",): ("1h",),
    ("subject",): ("agent:till",),
}


def fill(engine: Engine, folder: Path) -> None:
    """The catalogue, the small fleet, runs of agents, rows of every module, and what the system measures of itself."""
    with session(engine, write=True) as unit:
        seed(unit)
    small_fleet(engine, folder)
    _runs(engine, folder)
    filled_times.runs(engine, folder)
    with session(engine, write=True) as unit:
        for rows in (module_rows.support, module_rows.social, module_rows.gamification):
            rows(unit)
        for more in (module_rows_b.api, module_rows_b.security, module_rows_b.finance, module_rows_b.ai):
            more(unit)
        _deals(unit)
        _system(unit)
        uptime(unit, SINCE)
        filled_times.answers(unit)
        filled_times.reports(unit)
        filled_times.aims(unit)
        for evidence in ("imported", "declared"):
            unit.add(
                AgentConnection(
                    agent_a_id="shop",
                    agent_b_id="till",
                    connection_type="neural" if evidence == "imported" else "sync",
                    meta={"evidence": evidence},
                )
            )


def _runs(engine: Engine, folder: Path) -> None:
    """Two agents of one service with model calls, one span whose parent never came, one that names nobody."""
    invoke = {"gen_ai__operation__name": "invoke_agent"}
    model = {
        "gen_ai__operation__name": "chat",
        "gen_ai__usage__input_tokens": 120,
        "gen_ai__usage__output_tokens": 7,
    }
    spans = [
        span(1, trace=900, status=1, millis=900, gen_ai__agent__name="planner", **invoke),
        span(2, 1, trace=900, millis=300, gen_ai__request__model="Large", **model),
        span(3, 1, trace=900, status=2, millis=400, gen_ai__agent__name="writer", **invoke),
        span(4, 3, trace=900, millis=120, gen_ai__request__model="small", **model),
        span(5, 777, trace=901, millis=3),
    ]
    file = write(folder / "runs.jsonl", request(*spans, service="writers"))
    import_files(engine, [file])


def _deals(unit: Session) -> None:
    ada = module_rows.person(unit, "ada").id
    for place, (status, value) in enumerate(
        [("lead", "10.50"), ("negotiation", "20.25"), ("closed", "99.99"), ("lost", "5.00")]
    ):
        deal = Deal(user_id=ada, client_name=f"Client {place}", status=status, value=Decimal(value))
        deal.created_at = module_rows.JUNE + timedelta(hours=place)
        unit.add(deal)
        unit.flush()
        unit.add(
            DealActivity(
                deal_id=deal.id,
                user_id=ada,
                activity_type="note",
                description="Said",
                created_at=deal.created_at,
            )
        )


def _system(unit: Session) -> None:
    """Stretches up and down that overlap and leave a gap, round trips of which one failed, and what was refused."""
    rows: list[tuple[str, str | None, float, dict[str, object]]] = [
        ("collector.up_seconds", "3600.5", 0, {"beats": 120}),
        ("collector.up_seconds", "600", 3000, {"beats": 20}),
        ("collector.down_seconds", "120.25", 3700, {"beats": 4}),
        ("collector.up_seconds", "1800", 7200, {"beats": 60}),
        *[
            ("db.round_trip_ms", str(place / 4), 60.0 * place, {"asked": "spans.count"})
            for place in range(1, 31)
        ],
        ("db.round_trip_ms", None, 90, {"asked": "spans.count", "error": "Away"}),
        ("ingest.refused_items", "3", 100, {"signal": "traces", "reason": "bad_ids"}),
        ("ingest.late_items", "2", 100, {"signal": "traces"}),
    ]
    _series(unit)
    for kind, value, after, meta in rows:
        unit.add(
            SystemMetric(
                metric_type=kind,
                metric_value=None if value is None else Decimal(value),
                meta=meta,
                recorded_at=SINCE + timedelta(seconds=after),
            )
        )
    note_arranged(unit)


def _series(unit: Session) -> None:
    """Two pods' load with a blank and one value above 100, a series of nobody's, and a mark on the time line."""
    for source, places in (("pod-a", 30), ("pod-b", 24), (None, 3)):
        for place in range(places):
            blank = place == 7 and source == "pod-a"
            unit.add(
                SystemMetric(
                    metric_type="load" if source else "queue",
                    metric_value=None if blank else Decimal(148 if place == 9 else place - 2) / 4,
                    metric_unit="%" if source else None,
                    source=source,
                    recorded_at=SINCE + timedelta(seconds=90 * place),
                )
            )
    for place, level in enumerate(("info", "info", "warning", "error")):
        at = SINCE + timedelta(seconds=20 * place)
        said = {"trace_id": f"{900:032x}", "span_id": f"{1:016x}"}
        unit.add(
            AgentLog(agent_id="till", log_level=level, message=f"Line {place}", meta=said, created_at=at)
        )
    unit.add(
        Annotation(
            id=UUID(int=7),
            starts_at=SINCE,
            ends_at=SINCE + timedelta(minutes=5),
            kind="fault",
            label="cpu_contention",
            source="pod-a",
            origin="faults.json:1",
        )
    )
