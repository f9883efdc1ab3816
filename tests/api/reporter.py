"""A program that reports by OpenTelemetry with a key."""

import gzip
import json
from collections.abc import Sequence
from typing import Any

from flask.testing import FlaskClient
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from db.services.api_keys import make_key
from tests.people import make_person
from tests.sessions import session

JSON, PROTOBUF = "application/json", "application/x-protobuf"
REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
RESPONSES: dict[str, Any] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}


def key_of(
    engine: Engine, name: str = "ada", role: str = "admin", scopes: Sequence[str] = ("ingest",)
) -> str:
    person = make_person(engine, name, role)
    with session(engine, write=True) as unit:
        return make_key(unit, person, "reporter", scopes)[1]


class Reporter:
    """Sends bodies to the doors with one key."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client, self.token = client, token

    def send(self, signal: str, body: bytes, kind: str = JSON, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        told = {"Authorization": f"Bearer {self.token}", "Content-Type": kind} | named
        return self.client.post(f"/v1/{signal}", data=body, headers=told)

    def json(self, signal: str, document: Any) -> dict[str, Any]:
        """What 200 says, as JSON."""
        answer = self.send(signal, json.dumps(document).encode())
        assert answer.status_code == 200, answer.text
        assert answer.mimetype == JSON
        told: dict[str, Any] = answer.get_json()
        return told.get("partialSuccess", {})

    def protobuf(self, signal: str, message: Any, *, zipped: bool = False) -> Any:
        """What 200 says, as the signal's own message."""
        body = message.SerializeToString()
        more = {"Content_Encoding": "gzip"} if zipped else {}
        answer = self.send(signal, gzip.compress(body) if zipped else body, PROTOBUF, **more)
        assert answer.status_code == 200, answer.data
        assert answer.mimetype == PROTOBUF
        return RESPONSES[signal].FromString(answer.data).partial_success
