"""Small OTLP documents cut from the recorded ones, in both encodings: what the fuzz of bodies damages."""

import base64
import gzip
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).resolve().parents[2]
ITEMS, PER_FILE = 2, 60
IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True)
class Signal:
    """One of the three doors: its address, how its documents nest, and its message in protobuf."""

    name: str
    resources: str
    scopes: str
    items: str
    message: type[Message]

    @property
    def path(self) -> str:
        return f"/v1/{self.name}"


SIGNALS = (
    Signal("traces", "resourceSpans", "scopeSpans", "spans", ExportTraceServiceRequest),
    Signal("logs", "resourceLogs", "scopeLogs", "logRecords", ExportLogsServiceRequest),
    Signal("metrics", "resourceMetrics", "scopeMetrics", "metrics", ExportMetricsServiceRequest),
)
POINT = {"timeUnixNano": "1544712660300000000", "startTimeUnixNano": "1544712660000000000"}
# What no recorded file holds: points of every kind, and values of every kind.
SUMMARY = {"name": "s", "unit": "ms", "summary": {"dataPoints": [POINT | {"count": "2", "sum": 3.5,
    "quantileValues": [{"quantile": 0.5, "value": 1}, {"quantile": 1, "value": 2.5}]}]}}  # fmt: skip
EVERY_VALUE = [
    {"key": "text", "value": {"stringValue": "ça va"}},
    {"key": "flag", "value": {"boolValue": True}},
    {"key": "whole", "value": {"intValue": "-7"}},
    {"key": "real", "value": {"doubleValue": 0.25}},
    {"key": "octets", "value": {"bytesValue": "AAEC/w=="}},
    {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "two"}]}}},
    {"key": "map", "value": {"kvlistValue": {"values": [{"key": "inner", "value": {"boolValue": False}}]}}},
]


def shared_folder() -> Path:
    return Path(os.environ.get("QUANTUM_SHARED") or ROOT.parent / "shared")


@cache
def documents() -> dict[str, list[dict[str, Any]]]:
    """Documents of one or two items each, by signal: from the recorded files where they are, and made ones."""
    found = {signal.name: [_rich(signal, document) for document in _made(signal)] for signal in SIGNALS}
    for signal in SIGNALS:
        for file in _files(signal):
            found[signal.name] += islice(_cut(signal, _requests(file)), PER_FILE)
    return found


def in_protobuf(signal: Signal, document: Mapping[str, Any]) -> bytes:
    """The same document in the other encoding."""
    message = ParseDict(_with_base64_ids(document), signal.message(), ignore_unknown_fields=True)
    return message.SerializeToString()


def _files(signal: Signal) -> list[Path]:
    data = shared_folder() / "data"
    examples = data / "traces" / "otlp-examples" / f"{signal.name.removesuffix('s')}.json"
    also = data / "traces" / "otlp-examples" / f"{signal.name}.json"
    recorded = sorted((data / signal.name).glob("*.otlp*.jsonl.gz"))
    return [file for file in (examples, also, *recorded) if file.is_file()]


def _requests(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix != ".gz":
        yield json.loads(file.read_text())
        return
    with gzip.open(file) as lines:
        yield from map(json.loads, islice(lines, 12))


def _cut(signal: Signal, requests: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every resource's first items, a few at a time."""
    for request in requests:
        for resource in request[signal.resources]:
            for scope in resource[signal.scopes]:
                for begin in range(0, min(len(scope[signal.items]), 4 * ITEMS), ITEMS):
                    few = [_few_points(each) for each in scope[signal.items][begin : begin + ITEMS]]
                    inner = {**scope, signal.items: few}
                    yield {signal.resources: [{**resource, signal.scopes: [inner]}]}


def _few_points(item: dict[str, Any]) -> dict[str, Any]:
    """A metric with its first two points; anything else as it is, without a text of thousands of letters."""
    for kind, held in item.items():
        if isinstance(held, dict) and "dataPoints" in held:
            return {**item, kind: {**held, "dataPoints": held["dataPoints"][:2]}}
    said = [each for each in item.get("attributes", []) if len(json.dumps(each)) < 400]
    return {**item, "attributes": said} if "attributes" in item else item


def _made(signal: Signal) -> list[dict[str, Any]]:
    ids = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
    item: dict[str, Any] = {
        "traces": ids | {"name": "work", "kind": 2, "startTimeUnixNano": "1544712660000000000",
                         "endTimeUnixNano": "1544712661000000000", "status": {"code": 2, "message": "no"},
                         "events": [{"name": "said", "timeUnixNano": "1544712660300000000"}], "links": [ids]},
        "logs": ids | {"timeUnixNano": "1544712660300000000", "severityNumber": 17, "severityText": "ERROR",
                       "body": EVERY_VALUE[-1]["value"]},
        "metrics": SUMMARY,
    }[signal.name]  # fmt: skip
    inner = {"scope": {"name": "made", "version": "1"}, signal.items: [item]}
    return [{signal.resources: [{"resource": {"attributes": []}, signal.scopes: [inner]}]}]


def _rich(signal: Signal, document: dict[str, Any]) -> dict[str, Any]:
    """The document with a value of every kind wherever attributes may stand."""
    for resource in document[signal.resources]:
        resource["resource"]["attributes"] = [
            {"key": "service.name", "value": {"stringValue": "made"}}, *EVERY_VALUE
        ]  # fmt: skip
        for scope in resource[signal.scopes]:
            scope[signal.items] = [
                item if "summary" in item else {**item, "attributes": EVERY_VALUE}
                for item in scope[signal.items]
            ]
    return document


def _with_base64_ids(part: Any) -> Any:
    """OTLP/JSON writes ids in hexadecimal, protobuf's own JSON in base64."""
    if isinstance(part, list):
        return [_with_base64_ids(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in IDS and isinstance(value, str)
        else _with_base64_ids(value)
        for key, value in part.items()
    }
