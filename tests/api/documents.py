"""Small requests of logs and metrics made by hand."""

from typing import Any

from tests.otlp import BEGIN, attribute


def record(number: int = 1, **said: Any) -> dict[str, Any]:
    return {
        "timeUnixNano": str(BEGIN + 1_000_000 * number),
        "severityNumber": 9,
        "severityText": "INFO",
        "body": {"stringValue": f"line {number}"},
    } | said


def logs(*records: dict[str, Any], service: str | None = "shop", **resource: Any) -> dict[str, Any]:
    return {"resourceLogs": [_of(service, resource) | {"scopeLogs": [{"logRecords": list(records)}]}]}


def point(number: int = 1, **said: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(BEGIN + number)} | (said or {"asDouble": 1.5})


def metric(name: str, kind: str, *points: dict[str, Any], **said: Any) -> dict[str, Any]:
    head = {key: said.pop(key) for key in ("unit", "description") if key in said}
    return {"name": name, kind: {"dataPoints": list(points)} | said} | head


def metrics(*given: dict[str, Any], service: str | None = "shop", **resource: Any) -> dict[str, Any]:
    return {"resourceMetrics": [_of(service, resource) | {"scopeMetrics": [{"metrics": list(given)}]}]}


def _of(service: str | None, resource: dict[str, Any]) -> dict[str, Any]:
    named = [attribute("service.name", service)] if service else []
    more = [attribute(key.replace("__", "."), value) for key, value in resource.items()]
    return {"resource": {"attributes": named + more}}
