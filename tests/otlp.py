"""Small OTLP documents made by hand, for tests that say exactly what they mean."""

import json
from pathlib import Path
from typing import Any

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND


def attribute(key: str, value: Any) -> dict[str, Any]:
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue"}.get(type(value), "stringValue")
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def span(
    number: int,
    parent: int | None = None,
    *,
    trace: int = 1,
    name: str = "work",
    status: int | None = None,
    start: int | None = None,
    millis: float = 1,
    **said: Any,
) -> dict[str, Any]:
    """Span `number` of trace `trace`; keyword arguments with `__` for dots become attributes."""
    begin = BEGIN + number * 1_000_000 if start is None else start
    document = {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        "name": name,
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(begin + round(millis * 1_000_000)),
        "attributes": [attribute(key.replace("__", "."), value) for key, value in said.items()],
    }
    if parent is not None:
        document["parentSpanId"] = f"{parent:016x}"
    if status is not None:
        document["status"] = {"code": status}
    return document


def request(*spans: dict[str, Any], service: str | None = "shop") -> dict[str, Any]:
    resource = {"attributes": [attribute("service.name", service)] if service else []}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


def write(path: Path, *requests: Any) -> Path:
    """JSON lines; text is written as it is."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in requests]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
