"""The doors of OpenTelemetry as the specification has them, on both databases."""

import gzip
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import Engine, func, select

import api.bodies
import api.otlp
from db.metric import Window, read
from db.models import Agent, AgentLog, Call, Span, SystemMetric
from tests.api.documents import logs, metric, metrics, point, record
from tests.api.reporter import JSON, PROTOBUF, REQUESTS, Reporter, key_of
from tests.otlp import BEGIN, attribute, request, span
from tests.sessions import session

SIGNALS = ("traces", "logs", "metrics")
ALL = Window.parse("all")


def counted(engine: Engine, model: Any) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(model)) or 0


def value(engine: Engine, key: str) -> float | None:
    with session(engine) as unit:
        return read(unit, key, ALL).value


# --- answers --------------------------------------------------------------------------------------------------


def test_spans_sent_as_json_become_agents_and_calls(reporter: Reporter, engine: Engine) -> None:
    said = reporter.json(
        "traces",
        request(span(1), span(2, 1, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="planner")),
    )
    assert said == {}
    assert (counted(engine, Span), counted(engine, Call)) == (2, 1)
    with session(engine) as unit:
        assert set(unit.scalars(select(Agent.id).where(Agent.origin == "telemetry"))) == {
            "shop",
            "shop/planner",
        }
        sources = {each.source for each in unit.execute(select(Span.span_id, Span.source))}
    assert sources == {f"reporter · key {reporter.token.split('_')[1]}"}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("signal", SIGNALS)
def test_an_empty_request_is_taken_in_both_encodings(reporter: Reporter, signal: str) -> None:
    assert reporter.json(signal, {}) == {}
    answer = reporter.send(signal, b"", PROTOBUF)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"", PROTOBUF)
    assert reporter.json(signal, {"somethingNew": [1]}) == {}


def test_the_same_batch_again_changes_no_number(reporter: Reporter, engine: Engine) -> None:
    sent = {
        "traces": request(span(1), span(2, 1), span(3, start=0)),
        "logs": logs(record(1), record(1), record(2)),
        "metrics": metrics(
            metric("load", "gauge", point(1), point(2), point(2)), metric("", "gauge", point(1))
        ),
    }
    keys = ("spans.count", "calls.count", "ingest.refused", "ingest.late", "ingest.orphans")
    seen = []
    for _ in range(2):
        told = [reporter.json(signal, document) for signal, document in sent.items()]
        rows = [counted(engine, model) for model in (Span, AgentLog, SystemMetric, Agent, Call)]
        seen.append((told, rows, [value(engine, key) for key in keys]))
    assert seen[0] == seen[1]
    assert seen[0][1][:2] == [2, 3]
    assert value(engine, "ingest.refused") == 2


@pytest.mark.parametrize("encoding", ["json", "protobuf", "gzip"])
def test_what_is_wrong_is_counted_and_told_and_the_rest_is_stored(
    reporter: Reporter, engine: Engine, encoding: str
) -> None:
    document = request(span(1), span(2) | {"traceId": "0" * 32}, span(3) | {"endTimeUnixNano": "0"})
    if encoding == "json":
        told = reporter.json("traces", document)
        rejected, message = int(told["rejectedSpans"]), told["errorMessage"]
    else:
        made = reporter.protobuf("traces", as_message(document), zipped=encoding == "gzip")
        rejected, message = made.rejected_spans, made.error_message
    assert rejected == 2
    assert message.startswith("2 of 3 not stored.")
    assert "1 bad ids, such as: span 0000000000000002" in message and "1 bad times" in message
    assert counted(engine, Span) == 1
    assert value(engine, "ingest.refused") == 2


def as_message(document: dict[str, Any]) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    for outer in document["resourceSpans"]:
        resource = made.resource_spans.add()
        for each in outer["resource"]["attributes"]:
            resource.resource.attributes.add(key=each["key"]).value.string_value = each["value"][
                "stringValue"
            ]
        scope = resource.scope_spans.add()
        for each in outer["scopeSpans"][0]["spans"]:
            scope.spans.add(
                trace_id=bytes.fromhex(each["traceId"]),
                span_id=bytes.fromhex(each["spanId"]),
                parent_span_id=bytes.fromhex(each.get("parentSpanId", "")),
                name=each["name"],
                start_time_unix_nano=int(each["startTimeUnixNano"]),
                end_time_unix_nano=int(each["endTimeUnixNano"]),
            )
    return made


@pytest.mark.databases("sqlite")
def test_everything_of_a_resource_that_cannot_be_read_is_counted(reporter: Reporter, engine: Engine) -> None:
    broken = {
        "resource": {"attributes": "none"},
        "scopeSpans": [{"spans": [span(1), span(2)]}, {"spans": [span(3)]}],
    }
    assert reporter.json("traces", {"resourceSpans": [broken]})["rejectedSpans"] == "3"
    assert value(engine, "ingest.refused") == 3


@pytest.mark.databases("sqlite")
def test_a_metric_of_an_unknown_kind_is_a_warning_without_a_count(reporter: Reporter) -> None:
    said = reporter.json("metrics", metrics({"name": "new", "futureKind": {}}))
    assert "rejectedDataPoints" not in said and "'new' holds no points" in said["errorMessage"]


# --- what clients write differently ---------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
def test_numbers_come_as_numbers_or_text_and_unknown_fields_are_passed_over(
    reporter: Reporter, engine: Engine
) -> None:
    one = span(1, status=2) | {"somethingNew": {"a": 1}, "kind": "SPAN_KIND_SERVER", "parentSpanId": ""}
    two = span(2) | {
        "traceId": f"{1:032X}",
        "startTimeUnixNano": BEGIN,
        "endTimeUnixNano": BEGIN + 5,
        "kind": 2,
        "status": {"code": "STATUS_CODE_ERROR"},
        "attributes": [
            {"key": "whole", "value": {"intValue": 7, "newer": 1}},
            {"key": "text", "value": {"intValue": "-7"}},
            {"key": "half", "value": {"doubleValue": "0.5"}},
            {"key": "none", "value": {"newer": 1}},
            {"key": "nan", "value": {"doubleValue": "NaN"}},
        ],
    }
    assert reporter.json("traces", request(one, two) | {"alsoNew": True}) == {}
    with session(engine) as unit:
        rows = unit.execute(select(Span.kind, Span.status, Span.attributes).order_by(Span.span_id)).all()
    assert [tuple(row)[:2] for row in rows] == [(2, 2), (2, 2)]
    assert rows[1].attributes == {"whole": 7, "text": -7, "half": 0.5, "none": None, "nan": "NaN"}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "change",
    [
        {"kind": "²"},
        {"kind": {"a": []}},
        {"kind": "9" * 5000},
        {"traceId": [[[]]]},
        {"parentSpanId": {"a": 1}},
        {"startTimeUnixNano": -5},
        {"startTimeUnixNano": 1.5},
        {"endTimeUnixNano": "9" * 30},
        {"attributes": {"a": "b"}},
        {"attributes": [7]},
        {"attributes": [{"key": "n", "value": {"intValue": 1.5}}]},
        {"attributes": [{"key": "n", "value": {"intValue": "1e400"}}]},
        {"attributes": [{"key": "__proto__", "value": {"stringValue": "x"}}]},
        {"attributes": [{"key": "a", "value": {"kvlistValue": {"values": [{"key": "__proto__"}]}}}]},
        {"attributes": [attribute(f"a{place}", 1) for place in range(1025)]},
        {"name": "n" * 1025},
        {"links": [None] * 1025},
        {"events": 7},
        {"status": []},
    ],
    ids=str,
)
def test_one_bad_span_is_refused_with_its_reason_and_its_neighbour_stored(
    reporter: Reporter, engine: Engine, change: dict[str, Any]
) -> None:
    said = reporter.json("traces", request(span(1) | change, span(2)))
    assert said["rejectedSpans"] == "1" and len(said["errorMessage"]) < 400
    assert counted(engine, Span) == 1


# --- refusals -------------------------------------------------------------------------------------------------


def status_of(answer: Any) -> str:
    if answer.mimetype == JSON:
        assert set(answer.get_json()) == {"code", "message"}
        return str(answer.get_json()["message"])
    assert answer.mimetype == PROTOBUF
    return str(Status.FromString(answer.data).message)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b""),
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b'{"resourceSpans": 1, "resourceLogs": 1, "resourceMetrics": 1}'),
        (JSON, b"[" * 100_000),
        (JSON, b'{"a":' * 100_000),
        (JSON, b'"\xff"'),
        (PROTOBUF, b"\xff\xff\xff"),
        (PROTOBUF, b"\x0a\x05\x12\x03\x12\x7f\x00"),
        (PROTOBUF, b"\x0b\x0c"),
        (PROTOBUF, b"\x0a\x02\x0a\x7f"),
        (PROTOBUF, b"\x0a\x04\x12\x02\x12\xff"),
    ],
)
def test_what_cannot_be_read_is_400_in_the_callers_type_and_counted_once(
    reporter: Reporter, engine: Engine, signal: str, kind: str, body: bytes
) -> None:
    for _ in range(2):
        answer = reporter.send(signal, body, kind)
        assert answer.status_code == 400 and answer.mimetype == kind
        assert status_of(answer) and "Retry-After" not in answer.headers
    assert value(engine, "ingest.refused") == 1


@pytest.mark.databases("sqlite")
def test_a_request_at_the_wrong_door_is_told_the_right_one(reporter: Reporter, engine: Engine) -> None:
    answer = reporter.send("traces", json.dumps(logs(record())).encode())
    assert answer.status_code == 400 and "/v1/logs" in status_of(answer)
    assert counted(engine, AgentLog) == 0


@pytest.mark.databases("sqlite")
def test_nobody_gets_in_without_a_key_that_may(client: FlaskClient, engine: Engine) -> None:
    for signal in SIGNALS:
        for kind in (JSON, PROTOBUF):
            answer = client.post(f"/v1/{signal}", data=b"{}", headers={"Content-Type": kind})
            assert answer.status_code == 401 and answer.mimetype == kind and status_of(answer)
    other = Reporter(client, key_of(engine, "ben", "admin", ("fleet:read",)))
    assert other.send("traces", b"{}").status_code == 403
    weak = Reporter(client, key_of(engine, "cid", "user", ("ingest",)))
    assert weak.send("logs", b"{}").status_code == 403


@pytest.mark.databases("sqlite")
def test_only_two_types_and_gzip_are_known(reporter: Reporter) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = reporter.send("traces", b"{}", kind)
        assert answer.status_code == 415 and PROTOBUF in answer.headers["Accept"]
    assert reporter.send("traces", b"{}", "application/json; charset=utf-8").status_code == 200
    for coding in ("br", "deflate", "zstd", "gzip, gzip"):
        answer = reporter.send("traces", b"{}", Content_Encoding=coding)
        assert answer.status_code == 415 and "gzip" in answer.headers["Accept-Encoding"]
    assert reporter.send("traces", b"{}", Content_Encoding="identity").status_code == 200


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "body",
    [
        b"none",
        gzip.compress(b"{}")[:-3],
        gzip.compress(b"{}") + b"more",
        gzip.compress(b"{}")[:-8] + b"\0" * 8,
    ],
    ids=["none", "cut off", "more after it", "another sum"],
)
def test_gzip_that_is_none_is_400(reporter: Reporter, body: bytes) -> None:
    answer = reporter.send("traces", body, Content_Encoding="gzip")
    assert answer.status_code == 400 and "gzip" in status_of(answer)


@pytest.mark.databases("sqlite")
def test_gzip_of_several_members_is_read_whole(reporter: Reporter, engine: Engine) -> None:
    text = json.dumps(request(*[span(number) for number in range(1, 200)])).encode()
    body = gzip.compress(text[:1000]) + gzip.compress(text[1000:])
    assert reporter.send("traces", body, Content_Encoding="gzip").get_json() == {}
    assert counted(engine, Span) == 199


@pytest.mark.databases("sqlite")
def test_a_body_that_breaks_off_is_refused_whole(
    client: FlaskClient, reporter: Reporter, engine: Engine
) -> None:
    body = as_message(request(span(1), span(2))).SerializeToString()
    whole = as_message(request(span(1))).SerializeToString()
    told = {"Authorization": f"Bearer {reporter.token}", "Content-Type": PROTOBUF}
    answer = client.post(
        "/v1/traces",
        input_stream=io.BytesIO(whole),
        headers=told,
        environ_overrides={"CONTENT_LENGTH": str(len(body)), "wsgi.input_terminated": True},
    )
    assert answer.status_code == 400
    assert counted(engine, Span) == 0


@pytest.mark.databases("sqlite")
def test_a_body_without_a_length_is_read_to_its_end(
    client: FlaskClient, reporter: Reporter, engine: Engine
) -> None:
    body = json.dumps(request(*[span(number) for number in range(1, 400)])).encode()
    answer = client.post(
        "/v1/traces",
        input_stream=io.BytesIO(body),
        headers={
            "Authorization": f"Bearer {reporter.token}",
            "Content-Type": JSON,
            "Transfer-Encoding": "chunked",
        },
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, counted(engine, Span)) == (200, 399)


@pytest.mark.databases("sqlite")
def test_limits_of_size_and_number_are_413(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.bodies, "LARGEST", 4000)
    monkeypatch.setattr(api.otlp, "MOST_ITEMS", 5)
    monkeypatch.setattr(api.otlp, "MOST_VALUES", 1000)
    monkeypatch.setattr(api.otlp, "LIMITS", api.otlp.LIMITS._replace(parts=20))
    few, many = (json.dumps(request(*map(span, range(1, n + 1)))).encode() for n in (5, 6))
    assert reporter.send("traces", few).status_code == 200
    for body in (many, b"[" * 1100, b"{" + b" " * 4000 + b"}"):
        answer = reporter.send("traces", body)
        assert answer.status_code == 413 and "Send smaller batches" in status_of(answer)
    zipped = gzip.compress(b"{" + b" " * 4000 + b"}")
    assert reporter.send("traces", zipped, Content_Encoding="gzip").status_code == 413
    parts = reporter.send("traces", b"\x0a\x00" * 21, PROTOBUF)
    assert parts.status_code == 413
    assert reporter.send("traces", b"{" + b" " * 3998 + b"}").status_code == 200


@pytest.mark.databases("sqlite")
def test_bodies_share_a_room_and_whoever_finds_it_full_is_told_when(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = api.bodies.Room(1000)
    monkeypatch.setattr(api.bodies, "ROOM", room)
    room.take(990)
    answer = reporter.send("traces", json.dumps(request(span(1))).encode())
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "1"
    room.give_back(990)
    assert reporter.send("traces", json.dumps(request(span(1))).encode()).status_code == 200
    room.take(1000)  # everything was given back


def test_logs_and_metrics_as_protobuf_say_the_same_as_json(reporter: Reporter, engine: Engine) -> None:
    from google.protobuf.json_format import ParseDict

    line = record(
        1, attributes=[attribute("n", 7), attribute("b", True), attribute("d", 1.5), attribute("s", "x")]
    )
    sent = {
        "logs": logs(line, record(2, body={"kvlistValue": {"values": [attribute("a", 1)]}})),
        "metrics": metrics(
            metric("load", "gauge", point(1, asInt="0"), point(2, asDouble=0.25), unit="1"),
            metric(
                "spent", "histogram",
                point(1, count="3", sum=6.0, min=1.0, max=3.0, bucketCounts=["1", "2", "0"], explicitBounds=[1.0, 5.0]),
                unit="s", aggregationTemporality=2,
            ),
        ),
    }  # fmt: skip
    for signal, document in sent.items():
        assert reporter.json(signal, document) == {}
    rows = [counted(engine, model) for model in (AgentLog, SystemMetric)]
    assert rows == [2, 5], "three points, and each door noted late items"
    for signal, document in sent.items():
        made = ParseDict(document, REQUESTS[signal]())
        assert reporter.protobuf(signal, made).error_message == ""
    assert (
        rows == [counted(engine, model) for model in (AgentLog, SystemMetric)] == [2, 5]
    )  # each door noted late items
