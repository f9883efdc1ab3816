"""OTLP traces → span records: decoding and validation, no database.

Follows the OpenTelemetry protocol: JSON with hexadecimal ids and integers as numbers or strings, or protobuf.
Each span stands for itself: what is wrong with one is told as a Refusal and the others go on.
"""

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MOST_BYTES = 64 * 1024 * 1024  # of one document, line or message
MOST_ATTRIBUTES = 1024
MOST_NESTING = 16
LONGEST_NAME = 1024
LONGEST_AGENT = 255
LONGEST_VALUE = 1024 * 1024
LATEST_NS = 2**63 - 1
KINDS = {
    "SPAN_KIND_UNSPECIFIED": 0,
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}
STATUSES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
IDS = {digits: re.compile(f"(?!0+$)[0-9a-fA-F]{{{digits}}}") for digits in (16, 32)}


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a span, a line or a file was not taken, and the remedy. `line` is 0 for the whole file."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class Invalid(ValueError):
    """What was sent is not a valid span or request; the message says what and the remedy."""


Decoded = Iterator[SpanRecord | Invalid]


def decode_json(data: bytes) -> Decoded:
    """Spans of one OTLP/JSON request. Raises Invalid when `data` is no such request."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            f"not valid JSON ({error.msg} at character {error.pos + 1:,} of {len(data):,}); "
            "the line may be cut off, export it again"
        ) from None
    return decode_document(document)


def decode_document(document: Any) -> Decoded:
    """Spans of one parsed OTLP/JSON request. Raises Invalid when it holds no `resourceSpans`."""
    if not isinstance(document, dict):
        raise Invalid(f"a JSON {type(document).__name__} where an OTLP request (an object) belongs")
    if "resourceSpans" not in document:
        held = next((key for key in ("resourceLogs", "resourceMetrics") if key in document), None)
        what = f"it holds {held}, not spans" if held else "there is no resourceSpans in it"
        raise Invalid(f"no OTLP trace request: {what}; import the traces' file")
    return _json_spans(document)


def _json_spans(document: Mapping[str, Any]) -> Decoded:
    for resource_spans in _list(document.get("resourceSpans")):
        try:
            resource = _attributes(_dict(_dict(resource_spans).get("resource")).get("attributes"))
            scopes = _list(_dict(resource_spans).get("scopeSpans"))
        except Invalid as error:
            yield Invalid(f"resource: {error}")
            continue
        for scope_spans in scopes:
            scope = _text(_dict(_dict(scope_spans).get("scope")).get("name")) or None
            for span in _list(_dict(scope_spans).get("spans")):
                yield _checked(span, resource, scope)


def _checked(span: Any, resource: Mapping[str, Any], scope: str | None) -> SpanRecord | Invalid:
    try:
        return _json_span(_dict(span), resource, scope)
    except Invalid as error:
        name = span.get("spanId") if isinstance(span, dict) else None
        return Invalid(f"span {str(name)[:32]}: {error}" if name else f"span without an id: {error}")
    except RecursionError:
        return Invalid(f"attributes are nested deeper than {MOST_NESTING} levels; flatten them")


def _json_span(span: Mapping[str, Any], resource: Mapping[str, Any], scope: str | None) -> SpanRecord:
    status = _dict(span.get("status"))
    return _record(
        trace_id=_hex(span.get("traceId"), 32, "traceId"),
        span_id=_hex(span.get("spanId"), 16, "spanId"),
        parent=span.get("parentSpanId") or "",
        name=span.get("name"),
        kind=_enum(span.get("kind", 0), KINDS, "kind"),
        start=_integer(span.get("startTimeUnixNano", 0), "startTimeUnixNano"),
        end=_integer(span.get("endTimeUnixNano", 0), "endTimeUnixNano"),
        status=_enum(status.get("code", 0), STATUSES, "status.code"),
        message=status.get("message"),
        attributes=_attributes(span.get("attributes")),
        resource=resource,
        scope=scope,
        links=[
            {
                "trace_id": _text(_dict(link).get("traceId")),
                "span_id": _text(_dict(link).get("spanId")),
                "attributes": _attributes(_dict(link).get("attributes")),
            }
            for link in _few(span.get("links"), "links")
        ],
        events=[
            {
                "name": _text(_dict(event).get("name")),
                "time_ns": _integer(_dict(event).get("timeUnixNano", 0), "timeUnixNano"),
                "attributes": _attributes(_dict(event).get("attributes")),
            }
            for event in _few(span.get("events"), "events")
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
        raise Invalid(f"{missing} is missing; only finished spans are stored")
    if end < start:
        raise Invalid(
            f"it ends {start - end:,} ns before it starts; check the sender's clock "
            "(endTimeUnixNano must not be below startTimeUnixNano)"
        )
    title = _text(name)
    if len(title) > LONGEST_NAME:
        raise Invalid(
            f"name has {len(title):,} characters, the limit is {LONGEST_NAME:,}; shorten it at the sender"
        )
    parent_id = _hex(parent, 16, "parentSpanId") if str(parent).strip("0") else None
    if parent_id == span_id:
        raise Invalid("parentSpanId is the span itself; a span cannot be its own parent")
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        name=title,
        kind=kind,
        start_ns=start,
        duration_ns=end - start,
        status=status,
        status_message=_text(message)[:LONGEST_VALUE] or None,
        service=_service(resource, attributes),
        attributes=attributes,
        resource=resource,
        scope=scope,
        links=links,
        events=events,
    )


def _service(resource: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    name = str(resource.get("service.name") or "unknown_service").strip()
    if len(name) > LONGEST_AGENT:
        raise Invalid(f"service.name has {len(name):,} characters, the limit is {LONGEST_AGENT}; shorten it")
    return name


def decode_protobuf(data: bytes) -> Decoded:
    """Spans of one OTLP/protobuf request. Raises Invalid when `data` is no such message."""
    try:
        request = ExportTraceServiceRequest.FromString(data)
    except DecodeError as error:
        raise Invalid(f"neither OTLP JSON nor an OTLP protobuf message ({error}); export it again") from None
    return _protobuf_spans(request)


def _protobuf_spans(request: Any) -> Decoded:
    for resource_spans in request.resource_spans:
        try:
            resource = _protobuf_attributes(resource_spans.resource.attributes)
        except Invalid as error:
            yield Invalid(f"resource: {error}")
            continue
        for scope_spans in resource_spans.scope_spans:
            scope = _text(scope_spans.scope.name) or None
            for span in scope_spans.spans:
                try:
                    yield _protobuf_span(span, resource, scope)
                except Invalid as error:
                    yield Invalid(f"span {span.span_id.hex() or 'without an id'}: {error}")


def _protobuf_span(span: Any, resource: Mapping[str, Any], scope: str | None) -> SpanRecord:
    return _record(
        trace_id=_hex(span.trace_id.hex(), 32, "trace_id"),
        span_id=_hex(span.span_id.hex(), 16, "span_id"),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=_enum(span.kind, KINDS, "kind"),
        start=_integer(span.start_time_unix_nano, "start_time_unix_nano"),
        end=_integer(span.end_time_unix_nano, "end_time_unix_nano"),
        status=_enum(span.status.code, STATUSES, "status.code"),
        message=span.status.message,
        attributes=_protobuf_attributes(span.attributes),
        resource=resource,
        scope=scope,
        links=[
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "attributes": _protobuf_attributes(link.attributes),
            }
            for link in _few(span.links, "links")
        ],
        events=[
            {
                "name": _text(event.name),
                "time_ns": event.time_unix_nano,
                "attributes": _protobuf_attributes(event.attributes),
            }
            for event in _few(span.events, "events")
        ],
    )


def _protobuf_attributes(pairs: Sequence[Any]) -> dict[str, Any]:
    _refuse_many(len(pairs))
    return {_key(pair.key): _protobuf_value(pair.value, 0) for pair in pairs}


def _protobuf_value(value: Any, depth: int) -> Any:
    if depth > MOST_NESTING:
        raise Invalid(f"attributes are nested deeper than {MOST_NESTING} levels; flatten them")
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    held = getattr(value, kind)
    if kind == "array_value":
        return [_protobuf_value(each, depth + 1) for each in _few(held.values, "array values")]
    if kind == "kvlist_value":
        _refuse_many(len(held.values))
        return {_key(pair.key): _protobuf_value(pair.value, depth + 1) for pair in held.values}
    return base64.b64encode(held).decode() if kind == "bytes_value" else _plain(held)


def _attributes(pairs: Any) -> dict[str, Any]:
    listed = _list(pairs)
    _refuse_many(len(listed))
    return {_key(_dict(pair).get("key")): _value(_dict(pair).get("value"), 0) for pair in listed}


def _refuse_many(count: int) -> None:
    if count > MOST_ATTRIBUTES:
        raise Invalid(
            f"{count:,} attributes, the limit is {MOST_ATTRIBUTES:,}; set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT at the sender"
        )


def _few(values: Any, what: str) -> Sequence[Any]:
    if values is None:
        return ()
    listed = _list(values) if isinstance(values, list | dict | str | int | float) else values
    if len(listed) > MOST_ATTRIBUTES:
        raise Invalid(f"{len(listed):,} {what}, the limit is {MOST_ATTRIBUTES:,}; send fewer")
    return listed


def _key(key: Any) -> str:
    text = _text(key)
    if text == "__proto__":
        raise Invalid("an attribute is called __proto__, which is not allowed; rename it at the sender")
    if len(text) > LONGEST_NAME:
        raise Invalid(
            f"an attribute key has {len(text):,} characters, the limit is {LONGEST_NAME:,}; shorten it"
        )
    return text


def _value(value: Any, depth: int) -> Any:
    if depth > MOST_NESTING:
        raise Invalid(f"attributes are nested deeper than {MOST_NESTING} levels; flatten them")
    if not isinstance(value, dict) or not value:
        return None
    kind, held = next(iter(value.items()))
    if kind == "intValue":
        return _signed(held)
    if kind == "arrayValue":
        return [_value(each, depth + 1) for each in _few(_dict(held).get("values"), "array values")]
    if kind == "kvlistValue":
        pairs = _list(_dict(held).get("values"))
        _refuse_many(len(pairs))
        return {_key(_dict(pair).get("key")): _value(_dict(pair).get("value"), depth + 1) for pair in pairs}
    if kind in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        return _plain(held)
    raise Invalid(
        f"attribute value of unknown type {kind[:40]!r}; OTLP knows stringValue, intValue and so on"
    )


def _plain(value: Any) -> Any:
    """What JSON columns can hold: no NUL, no NaN; numbers stay numbers."""
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE:
            raise Invalid(
                f"an attribute value has {len(value):,} characters, the limit is {LONGEST_VALUE:,}; "
                "set OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT at the sender"
            )
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise Invalid(f"an attribute holds a JSON {type(value).__name__} where a plain value belongs")


def _text(value: Any) -> str:
    """Text without NUL, which PostgreSQL cannot store; anything that is no text is empty."""
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else ""


def _signed(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise Invalid(f"intValue {str(value)[:40]!r} is no whole number") from None
    if not -(2**63) <= number < 2**63:
        raise Invalid(f"intValue {str(value)[:40]} does not fit 64 bits")
    return number


def _integer(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Invalid(f"{field} is {str(value)[:40]!r}; it must be nanoseconds since 1970, a whole number")
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > LATEST_NS:
        raise Invalid(f"{field} is {text[:40]!r}; it must be nanoseconds since 1970, a whole number")
    return int(text)


def _hex(value: Any, digits: int, field: str) -> str:
    text = value if isinstance(value, str) else ""
    if not IDS[digits].fullmatch(text):
        if len(text) in (12, 24) and _is_base64(text):
            raise Invalid(f"{field} looks like base64; OTLP/JSON writes ids as {digits} hexadecimal digits")
        raise Invalid(f"{field} {str(value)[:40]!r} must be {digits} hexadecimal digits, not all zero")
    return text.lower()


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _enum(value: Any, names: Mapping[str, int], field: str) -> int:
    number = value
    if isinstance(value, str):
        is_number = value.isascii() and value.isdigit() and len(value) <= 4
        number = int(value) if is_number else names.get(value)
    if not isinstance(number, int) or isinstance(number, bool) or number not in names.values():
        raise Invalid(f"{field} is {str(value)[:40]!r}; use one of {', '.join(map(str, names.values()))}")
    return number


def _dict(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"a JSON {type(value).__name__} where an object belongs")
    return value


def _list(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"a JSON {type(value).__name__} where a list belongs")
    return value
