"""A seeded thousand of damaged bodies through the doors for machines (`make fuzz` sends a hundred thousand)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fuzz.damage import JSON, PROTOBUF, Body, Damage
from tests.fuzz.documents import SIGNALS, documents, in_protobuf
from tests.fuzz.sending import Receiver, receiver, send
from tests.otlp import request, span

THOUSAND = 1000
TRACES = frozenset({"/v1/traces"})


@pytest.fixture(scope="module")
def to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiver(tmp_path_factory.mktemp("bodies")) as made:
        yield made


def test_a_thousand_damaged_bodies_break_nothing(to: Receiver) -> None:
    report = send(to, THOUSAND, 0)
    print(f"\n{report}")
    assert not report.failures, "\n".join(report.failures)
    assert report.sent == THOUSAND
    assert report.answers[200] > THOUSAND / 10 and report.answers[400] > THOUSAND / 10


def test_every_door_for_telemetry_gets_bodies(to: Receiver) -> None:
    posted = {path for path in to.posted if path.startswith("/v1/")}
    assert posted == set(to.paths)
    assert {Damage(0, to.paths).body(number).path for number in range(200)} == posted


def test_undamaged_documents_are_taken_in_both_encodings(to: Receiver) -> None:
    """Else the fuzz would only ever see what is refused at once."""
    for signal in (each for each in SIGNALS if each.path in to.paths):
        for document in documents()[signal.name]:
            for kind, octets in (
                (JSON, json.dumps(document).encode()),
                (PROTOBUF, in_protobuf(signal, document)),
            ):
                status, _, said = to.ask(Body(signal.path, kind, "", octets, "as it was"))
                assert status == 200, said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("events", 1.5),
        ("kind", "9" * 5000),
        ("kind", "²"),
        ("attributes", [{"key": "gen_ai.operation.name", "value": {"kvlistValue": {"values": []}}}]),
    ],
)
def test_what_was_found_once_is_not_found_again(field: str, value: object, to: Receiver) -> None:
    """Each was answered with 500 by some version."""
    document = request(span(1) | {field: value})
    status, _, said = to.ask(Body("/v1/traces", JSON, "", json.dumps(document).encode(), "by hand"))
    assert status in (200, 400), said


def test_the_same_number_is_the_same_body() -> None:
    """A failure can be sent again."""
    assert [Damage(5).body(number) for number in range(50)] == [
        Damage(5).body(number) for number in range(50)
    ]
    assert Damage(5).body(1) != Damage(6).body(1)


@pytest.mark.parametrize("status", ["500 INTERNAL SERVER ERROR", "302 FOUND", "200 OK"])
def test_a_wrong_answer_is_seen(status: str) -> None:
    def broken(environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Type", "text/html")])
        return [b"no message"]

    report = send(Receiver(broken, "", TRACES, TRACES), 20, 0)
    assert len(report.failures) == 20


def test_a_crash_is_seen() -> None:
    def broken(environ: Any, start_response: Any) -> list[bytes]:
        raise RecursionError("too deep")

    report = send(Receiver(broken, "", TRACES, TRACES), 3, 0)
    assert len(report.failures) == 3 and "RecursionError" in report.failures[0]
