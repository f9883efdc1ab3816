"""OTLP requests of any signal → items: which signal a request is of, and its items one by one."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as WireLog
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as WireMetric
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from db.queries.answers import KINDS as TIMED
from db.queries.ingest import LATE_ITEMS, REFUSED_ITEMS
from db.queries.round_trips import ROUND_TRIP, WEB_ROUND_TRIP
from db.queries.system import DOWN_SECONDS, UP_SECONDS
from db.services import otlp
from db.services.otlp import SpanRecord
from db.services.otlp_envelope import items_of, wire_items_of
from db.services.otlp_logs import NAMES as LOG_NAMES
from db.services.otlp_logs import LogRecord, logs_of
from db.services.otlp_metrics import NAMES as METRIC_NAMES
from db.services.otlp_metrics import Point, points_of
from db.services.otlp_values import Invalid, loads
from db.services.otlp_wire import FREE, Limits, Range, item, scopes_of

Item = SpanRecord | LogRecord | Point
Decoded = Iterator[Item | Invalid]
# What this application measures of itself: whoever sends a metric of that name would change its own numbers.
RESERVED_NAMES = frozenset(
    {ROUND_TRIP, WEB_ROUND_TRIP, UP_SECONDS, DOWN_SECONDS, REFUSED_ITEMS, LATE_ITEMS, *TIMED}
)


class Signal(StrEnum):
    """What a request reports; the word in the door's address."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


FIELDS = {Signal.TRACES: "resourceSpans", Signal.LOGS: "resourceLogs", Signal.METRICS: "resourceMetrics"}


def _of_document(signal: Signal, document: Mapping[str, Any]) -> Decoded:
    if signal is Signal.TRACES:
        return otlp.spans_of(document)
    if signal is Signal.LOGS:
        return logs_of(items_of(document, LOG_NAMES))
    return points_of(items_of(document, METRIC_NAMES), RESERVED_NAMES)


def decode_json(signal: Signal, data: bytes) -> Decoded:
    """Items of one OTLP/JSON request; one without any is empty. Raises Invalid when `data` is no such request."""
    document = _object(data)
    if FIELDS[signal] not in document:
        other = next((each for each, field in FIELDS.items() if field in document), None)
        if other is not None:
            raise Invalid(f"it holds {FIELDS[other]}, which belong to /v1/{other}; send it there")
    return _of_document(signal, document)


def decode_protobuf(signal: Signal, data: bytes, limits: Limits = FREE) -> Decoded:
    """Items of one OTLP/protobuf request. Raises Invalid, also half-way, when `data` is no such message."""
    if signal is Signal.TRACES:
        return otlp.decode_protobuf(data, limits)
    if signal is Signal.LOGS:
        return logs_of(wire_items_of(data, WireLog, limits))
    return points_of(wire_items_of(data, WireMetric, limits), RESERVED_NAMES)


def decode_any_json(data: bytes) -> Decoded:
    """Items of one OTLP/JSON request of a file, whatever it reports. Raises Invalid when `data` is no such request."""
    document = _object(data)
    held = [signal for signal, field in FIELDS.items() if field in document]
    if not held:
        raise Invalid(f"no OTLP request: there is no {', '.join(FIELDS.values())} in it")
    return chain.from_iterable(_of_document(signal, document) for signal in held)


def decode_any_protobuf(data: bytes) -> Decoded:
    """Items of one OTLP/protobuf request of a file, whatever it reports. Raises Invalid, also half-way, when `data` is
    no such message.

    Nothing in a message says its signal, and a reader of one skips what another wrote: the first item tells, by the
    fields that only one of the three has at that place.
    """
    return decode_protobuf(_signal_of(data), data)


def _signal_of(data: bytes) -> Signal:
    for scoped in scopes_of(data):
        for place in scoped.items:
            if (span := _read(WireSpan, data, place)) and span.start_time_unix_nano:
                return Signal.TRACES
            if (log := _read(WireLog, data, place)) and (log.time_unix_nano or log.observed_time_unix_nano):
                return Signal.LOGS
            if (metric := _read(WireMetric, data, place)) and metric.WhichOneof("data"):
                return Signal.METRICS
    return Signal.TRACES


def _read(kind: Any, data: bytes, place: Range) -> Any:
    try:
        return item(kind, data, place)
    except DecodeError:
        return None


def _object(data: bytes) -> Mapping[str, Any]:
    document = loads(data)
    if not isinstance(document, dict):
        raise Invalid(f"a JSON {type(document).__name__} where an OTLP request (an object) belongs")
    return document
