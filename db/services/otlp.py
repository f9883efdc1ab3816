"""OTLP traces → span records: decoding and validation, no database.

Follows the OpenTelemetry protocol: JSON with hexadecimal ids and integers as numbers or strings, or protobuf.
Each span stands for itself: what is wrong with one is told as a Refusal and the others go on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from db.services.otlp_values import (
    IDENTITY,
    LONGEST_AGENT,
    LONGEST_NAME,
    LONGEST_VALUE,
    MOST_BYTES,
    SIZE,
    TIME,
    Invalid,
    Refusal,
    as_dict,
    as_list,
    attributes,
    clean,
    enum,
    few,
    hex_id,
    integer,
    loads,
    protobuf_attributes,
    too_deep,
)
from db.services.otlp_wire import FREE, Limits, Range, item, scopes_of

__all__ = [
    "LONGEST_AGENT",
    "LONGEST_NAME",
    "LONGEST_VALUE",
    "MOST_BYTES",
    "UNKNOWN_SERVICE",
    "Invalid",
    "Refusal",
    "SpanRecord",
    "decode_json",
    "decode_protobuf",
    "service_of",
    "spans_of",
]
UNKNOWN_SERVICE = "unknown_service"
KINDS = {
    "SPAN_KIND_UNSPECIFIED": 0,
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}
STATUSES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


class SpanRecord(NamedTuple):
    """One valid span as it arrived; ids in lower-case hexadecimal, times in nanoseconds since 1970 UTC."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: int
    start_ns: int
    duration_ns: int
    status: int
    status_message: str | None
    service: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    scope: str | None
    links: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]


Decoded = Iterator[SpanRecord | Invalid]


def decode_json(data: bytes) -> Decoded:
    """Spans of one OTLP/JSON request. Raises Invalid when `data` is no such request."""
    document = loads(data)
    if not isinstance(document, dict):
        raise Invalid(f"a JSON {type(document).__name__} where an OTLP request (an object) belongs")
    return spans_of(document)


def spans_of(document: Mapping[str, Any]) -> Decoded:
    """Spans of one parsed OTLP/JSON request. Raises Invalid where its envelope is none."""
    for resource_spans in as_list(document.get("resourceSpans")):
        scopes = as_list(as_dict(resource_spans).get("scopeSpans"))
        try:
            resource = attributes(as_dict(as_dict(resource_spans).get("resource")).get("attributes"))
            service_of(resource)
        except Invalid as error:
            yield error.about("resource", sum(len(as_list(as_dict(each).get("spans"))) for each in scopes))
            continue
        for scope_spans in scopes:
            scope = clean(as_dict(as_dict(scope_spans).get("scope")).get("name")) or None
            for span in as_list(as_dict(scope_spans).get("spans")):
                yield _checked(span, resource, scope)


def _checked(span: Any, resource: Mapping[str, Any], scope: str | None) -> SpanRecord | Invalid:
    try:
        return _json_span(as_dict(span), resource, scope)
    except Invalid as error:
        name = span.get("spanId") if isinstance(span, dict) else None
        return error.about(
            f"span {clean(name)[:32]}" if isinstance(name, str) and name else "span without an id"
        )
    except RecursionError:
        return too_deep()


def _json_span(span: Mapping[str, Any], resource: Mapping[str, Any], scope: str | None) -> SpanRecord:
    status = as_dict(span.get("status"))
    return _record(
        trace_id=hex_id(span.get("traceId"), 32, "traceId"),
        span_id=hex_id(span.get("spanId"), 16, "spanId"),
        parent=span.get("parentSpanId") or "",
        name=span.get("name"),
        kind=enum(span.get("kind") or 0, KINDS, "kind"),
        start=integer(span.get("startTimeUnixNano") or 0, "startTimeUnixNano"),
        end=integer(span.get("endTimeUnixNano") or 0, "endTimeUnixNano"),
        status=enum(status.get("code") or 0, STATUSES, "status.code"),
        message=status.get("message"),
        attributes=attributes(span.get("attributes")),
        resource=resource,
        scope=scope,
        links=[
            {
                "trace_id": clean(as_dict(link).get("traceId")),
                "span_id": clean(as_dict(link).get("spanId")),
                "attributes": attributes(as_dict(link).get("attributes")),
            }
            for link in few(span.get("links"), "links")
        ],
        events=[
            {
                "name": clean(as_dict(event).get("name")),
                "time_ns": integer(as_dict(event).get("timeUnixNano") or 0, "timeUnixNano"),
                "attributes": attributes(as_dict(event).get("attributes")),
            }
            for event in few(span.get("events"), "events")
        ],
    )


def _record(
    *,
    trace_id: str,
    span_id: str,
    parent: Any,
    name: Any,
    kind: int,
    start: int,
    end: int,
    status: int,
    message: Any,
    attributes: Mapping[str, Any],
    resource: Mapping[str, Any],
    scope: str | None,
    links: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
) -> SpanRecord:
    if not start or not end:
        missing = "startTimeUnixNano" if not start else "endTimeUnixNano"
        raise Invalid(f"{missing} is missing; only finished spans are stored", TIME)
    if end < start:
        raise Invalid(
            f"it ends {start - end:,} ns before it starts; check the sender's clock "
            "(endTimeUnixNano must not be below startTimeUnixNano)",
            TIME,
        )
    title = clean(name)
    if len(title) > LONGEST_NAME:
        raise Invalid(
            f"name has {len(title):,} characters, the limit is {LONGEST_NAME:,}; shorten it at the sender",
            SIZE,
        )
    is_root = not parent.strip("0") if isinstance(parent, str) else not parent
    parent_id = None if is_root else hex_id(parent, 16, "parentSpanId")
    if parent_id == span_id:
        raise Invalid("parentSpanId is the span itself; a span cannot be its own parent", IDENTITY)
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        name=title,
        kind=kind,
        start_ns=start,
        duration_ns=end - start,
        status=status,
        status_message=clean(message)[:LONGEST_VALUE] or None,
        service=service_of(resource),
        attributes=attributes,
        resource=resource,
        scope=scope,
        links=links,
        events=events,
    )


def service_of(resource: Mapping[str, Any]) -> str:
    """service.name, or what SDKs say where nobody set one. Raises Invalid for one that is too long."""
    said = resource.get("service.name")
    name = str(said).strip() if isinstance(said, str | int) else ""
    if len(name) > LONGEST_AGENT:
        raise Invalid(
            f"service.name has {len(name):,} characters, the limit is {LONGEST_AGENT}; shorten it", SIZE
        )
    return name or UNKNOWN_SERVICE


def decode_protobuf(data: bytes, limits: Limits = FREE) -> Decoded:
    """Spans of one OTLP/protobuf request. Raises Invalid where `data` is no such message."""
    try:
        for each in scopes_of(data, limits):
            try:
                resource = protobuf_attributes(Resource.FromString(each.resource).attributes)
                service_of(resource)
            except Invalid as error:
                yield error.about("resource", len(each.items))
                continue
            scope = clean(InstrumentationScope.FromString(each.scope).name) or None
            for place in each.items:
                yield _protobuf_checked(data, place, resource, scope, limits)
    except DecodeError as error:
        raise Invalid(f"neither OTLP JSON nor an OTLP protobuf message ({error}); export it again") from None


def _protobuf_checked(
    data: bytes, place: Range, resource: Mapping[str, Any], scope: str | None, limits: Limits
) -> SpanRecord | Invalid:
    span = None
    try:
        span = item(Span, data, place, limits)
        return _protobuf_span(span, resource, scope)
    except Invalid as error:
        return error.about(
            f"span {span.span_id.hex()}" if span is not None and span.span_id else "span without an id"
        )


def _protobuf_span(span: Any, resource: Mapping[str, Any], scope: str | None) -> SpanRecord:
    return _record(
        trace_id=hex_id(span.trace_id.hex(), 32, "trace_id"),
        span_id=hex_id(span.span_id.hex(), 16, "span_id"),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=enum(span.kind, KINDS, "kind"),
        start=integer(span.start_time_unix_nano, "start_time_unix_nano"),
        end=integer(span.end_time_unix_nano, "end_time_unix_nano"),
        status=enum(span.status.code, STATUSES, "status.code"),
        message=span.status.message,
        attributes=protobuf_attributes(span.attributes),
        resource=resource,
        scope=scope,
        links=[
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "attributes": protobuf_attributes(link.attributes),
            }
            for link in few(span.links, "links")
        ],
        events=[
            {
                "name": clean(event.name),
                "time_ns": event.time_unix_nano,
                "attributes": protobuf_attributes(event.attributes),
            }
            for event in few(span.events, "events")
        ],
    )
