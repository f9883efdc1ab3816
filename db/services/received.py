"""A request of OpenTelemetry in: its items stored, its senders heard, its troubles counted, all in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from sqlalchemy.orm import Session

from db.metric import to_ns
from db.services.ingest import store
from db.services.liveness import hear_spans
from db.services.log_lines import store_logs
from db.services.measurements import store_points
from db.services.otlp import SpanRecord
from db.services.otlp_logs import LogRecord
from db.services.otlp_metrics import Point
from db.services.otlp_requests import Item, Signal
from db.services.otlp_values import Invalid
from db.services.troubled_items import LATE, note_late, note_refused


@dataclass
class Received:
    """What became of a request: how many items are stored now, and what was refused. `agents` are new ones."""

    stored: int = 0
    already: int = 0
    agents: int = 0
    late: int = 0
    refused: list[Invalid] = field(default_factory=list)


def receive(
    session: Session, signal: Signal, found: Sequence[Item | Invalid], body: bytes, source: str, at: datetime
) -> Received:
    """Store what one request brought, received at `at` from `source`. The caller commits, and answers after that.

    The same request again changes nothing but when its senders were heard.
    """
    done = _stored(session, [each for each in found if not isinstance(each, Invalid)], source, at)
    done.refused = [each for each in found if isinstance(each, Invalid)] + done.refused
    if done.refused or done.late:
        about = digest_of(body)
        note_refused(session, signal, done.refused, source, about, at)
        note_late(session, signal, done.late, source, about, at)
    return done


def refuse_all(
    session: Session, signal: Signal, error: Invalid, body: bytes, source: str, at: datetime
) -> None:
    """Keep that a request could not be read at all."""
    note_refused(session, signal, [error], source, digest_of(body), at)


def digest_of(body: bytes) -> bytes:
    """16 bytes that stand for a request."""
    return blake2b(body, digest_size=16).digest()


def _stored(session: Session, items: Sequence[Item], source: str, at: datetime) -> Received:
    """Items of one request are all of one kind."""
    past = to_ns(at - LATE)
    if not items:
        return Received()
    if isinstance(items[0], SpanRecord):
        spans = [each for each in items if isinstance(each, SpanRecord)]
        told = store(session, spans, source)
        hear_spans(session, told.ended, at)
        late = sum(each.start_ns + each.duration_ns < past for each in spans)
        return Received(told.spans, told.already, told.agents, min(late, told.spans), told.refused)
    if isinstance(items[0], LogRecord):
        logs = store_logs(session, [each for each in items if isinstance(each, LogRecord)], source)
        late = sum(0 < (each.time_ns or each.observed_ns) < past for each in logs.new)
        return Received(len(logs.new), logs.already, logs.agents, late, [error for _, error in logs.refused])
    points = store_points(session, [each for each in items if isinstance(each, Point)], source)
    late = sum(each.time_ns < past for each in points.new)
    return Received(len(points.new), points.already, 0, late, [error for _, error in points.refused])
