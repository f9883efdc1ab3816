"""Points of metrics in: each becomes a measurement, with everything that was sent kept beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from db.metric import from_ns
from db.models import SystemMetric
from db.models.rollup import MEASUREMENTS
from db.services import months
from db.services.content_rows import add_new
from db.services.ingest import is_unknown
from db.services.otlp_metrics import Point
from db.services.otlp_values import Invalid
from db.services.semantics import named_in
from db.services.touched import touch_at

# The field a measurement belongs to, by how its name begins; the names are those of OpenTelemetry's conventions.
FIELDS = (
    ("gen_ai.", "agent"),
    ("agent.", "agent"),
    ("system.network.", "network"),
    ("network.", "network"),
    ("net.", "network"),
    ("process.", "performance"),
    ("system.", "performance"),
    ("http.", "performance"),
    ("rpc.", "performance"),
    ("db.", "performance"),
    ("jvm.", "performance"),
)


@dataclass
class StoredPoints:
    """What became of a batch; `new` are the points that were not there before."""

    new: list[Point] = field(default_factory=list)
    already: int = 0
    refused: list[tuple[Point, Invalid]] = field(default_factory=list)


def store_points(session: Session, points: Sequence[Point], source: str) -> StoredPoints:
    """Store a batch in the session's transaction; `source` names where it came in. The caller commits."""
    done, rows = StoredPoints(), []
    make_ready(session, points)
    for point in points:
        try:
            rows.append(_row(point, source))
        except Invalid as error:
            done.refused.append((point, error.about(f"point of {point.name[:40]!r}")))
    added, refused = add_new(session, SystemMetric, rows)
    touch_at(session, MEASUREMENTS, (row["recorded_at"] for row in rows if row["id"] in added))
    by_id = {point.id: point for point in points}
    done.new = [by_id[key] for key in added]
    done.refused += [(by_id[row["id"]], error.about("point")) for row, error in refused]
    done.already = len(rows) - len(added) - len(refused)
    return done


def make_ready(session: Session, points: Iterable[Point]) -> None:
    """Have months for them, before the transaction does anything else (see `months.prepare`)."""
    months.prepare(session, (point.time_ns for point in points), (SystemMetric.__tablename__,))


def field_of(name: str) -> str:
    """The category of a measurement with this name."""
    return next((category for begin, category in FIELDS if name.startswith(begin)), "general")


def _row(point: Point, source: str) -> dict[str, Any]:
    origin = point.origin
    told = {
        "time_ns": point.time_ns,
        # In one order, for they tell one series from another.
        "attributes": {key: point.attributes[key] for key in sorted(point.attributes)},
        "resource": origin.resource,
        "scope": origin.scope,
    }
    return {
        "id": point.id,
        "metric_type": point.name,
        "metric_value": point.value,
        "metric_unit": point.unit or None,
        "category": field_of(point.name),
        "source": _source(point),
        "meta": {**point.details, **{key: held for key, held in told.items() if held}, "source": source},
        "recorded_at": from_ns(point.time_ns),
    }


def _source(point: Point) -> str | None:
    """The agent or service whose measurement it is; nobody's when neither is named. Raises Invalid."""
    service, name = point.origin.service, named_in(point.attributes)
    if name is not None:
        return f"{service}/{name}"
    return None if is_unknown(service) else service
