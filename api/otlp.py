"""/v1/traces, /v1/logs, /v1/metrics: what agents report by the OpenTelemetry protocol over HTTP.

200 is answered after everything valid is stored for good; what is not valid is told in partial_success. What cannot be
read at all is 400 and is never to be sent again; what may work later is 503 or 429 and says when.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, current_app, request
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from orjson import dumps
from werkzeug.exceptions import (
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from api.bodies import received_body
from api.problems import JSON, PROTOBUF, otlp_status
from auth.keys import Scope, keyed, require_caller
from db.actor import SYSTEM
from db.engine import BUSY_SECONDS, DatabaseUnavailable, Engine, session
from db.services.otlp_requests import Item, Signal, decode_json, decode_protobuf
from db.services.otlp_values import SIZE, Invalid
from db.services.otlp_wire import Limits
from db.services.received import Received, receive, refuse_all
from db.services.troubled_items import summary

MOST_ITEMS = 20_000  # of one request: they are stored in one transaction, and others wait for it
MOST_VALUES = 1_200_000  # in one JSON body; real ones of the largest size hold 800,000
LIMITS = Limits(item=2 * 1024 * 1024, parts=3 * MOST_ITEMS)
AWAY_SECONDS = 5
REJECTED = {
    Signal.TRACES: "rejectedSpans",
    Signal.LOGS: "rejectedLogRecords",
    Signal.METRICS: "rejectedDataPoints",
}
ANSWERS: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceResponse,
    Signal.LOGS: ExportLogsServiceResponse,
    Signal.METRICS: ExportMetricsServiceResponse,
}
# Decoding is work of one processor anyway; what it makes of a body is larger than the body, so few do it at once.
_DECODING = threading.BoundedSemaphore(2)
_ALONE = threading.Lock()


def blueprint(engine: Engine) -> Blueprint:
    """The doors; `engine` is the system's login, which stores what arrives."""
    door = Blueprint("otlp", __name__, url_prefix="/v1")

    @door.post("/traces")
    @keyed(Scope.INGEST)
    def traces() -> Response:
        return _take(engine, Signal.TRACES)

    @door.post("/logs")
    @keyed(Scope.INGEST)
    def logs() -> Response:
        return _take(engine, Signal.LOGS)

    @door.post("/metrics")
    @keyed(Scope.INGEST)
    def metrics() -> Response:
        return _take(engine, Signal.METRICS)

    return door


def _take(engine: Engine, signal: Signal) -> Response:
    if request.mimetype not in (PROTOBUF, JSON):
        raise UnsupportedMediaType(f"Send {PROTOBUF} or {JSON}.")
    source, at = require_caller().source, datetime.now(UTC)
    with received_body() as body, _turn(engine):
        try:
            found = _decoded(signal, body)
        except Invalid as error:
            _note(engine, signal, error, body, source, at)
            return otlp_status(413 if error.kind == SIZE else 400, f"{error}.")
        done = Received()
        if found:
            with session(engine, SYSTEM, write=True) as unit:
                done = receive(unit, signal, found, body, source, at)
    return _answer(signal, done)


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """SQLite has one writer, and this process one processor: who decodes while another stores only slows it down.

    While the database is locked by another process nobody waits here for all before: it would be told too late.
    """
    mine = engine.dialect.name == "sqlite" and _ALONE.acquire(timeout=BUSY_SECONDS)
    try:
        yield
    finally:
        if mine:
            _ALONE.release()


def _decoded(signal: Signal, body: bytes) -> list[Item | Invalid]:
    """All items of the body, read before anything is stored. Raises Invalid, and RequestEntityTooLarge for too many."""
    is_json = request.mimetype == JSON
    if is_json and sum(body.count(sign) for sign in (b",", b"[", b"{")) > MOST_VALUES:
        raise RequestEntityTooLarge(f"More than {MOST_VALUES:,} values in one body. Send smaller batches.")
    found: list[Item | Invalid] = []
    with _DECODING:
        for each in decode_json(signal, body) if is_json else decode_protobuf(signal, body, LIMITS):
            found.append(each)
            if len(found) > MOST_ITEMS:
                raise RequestEntityTooLarge(
                    f"More than {MOST_ITEMS:,} items in one body. Send smaller batches."
                )
    return found


def _note(engine: Engine, signal: Signal, error: Invalid, body: bytes, source: str, at: datetime) -> None:
    """Count a request that could not be read. That is no reason to answer anything but 400, which ends it."""
    try:
        with session(engine, SYSTEM, write=True) as unit:
            refuse_all(unit, signal, error, body, source, at)
    except DatabaseUnavailable as away:
        current_app.logger.error("a refused request was not counted: %s", away)


def _answer(signal: Signal, done: Received) -> Response:
    """The signal's own response in the caller's type; nothing in it means that everything was stored."""
    said: dict[str, Any] = {}
    if done.refused:
        lost = sum(each.count for each in done.refused)
        said = {"errorMessage": summary(done.refused, done.stored + done.already)}
        said |= {REJECTED[signal]: str(lost)} if lost else {}
    if request.mimetype == JSON:
        return Response(dumps({"partialSuccess": said} if said else {}), 200, mimetype=JSON)
    answer: Any = ANSWERS[signal]()
    for field in answer.partial_success.DESCRIPTOR.fields if said else ():
        value = said.get(field.json_name)
        if value is not None:
            setattr(
                answer.partial_success, field.name, value if field.name == "error_message" else int(value)
            )
    return Response(answer.SerializeToString(), 200, mimetype=PROTOBUF)
