"""The OpenTelemetry SDK for JavaScript: JSON and protobuf, plain and gzipped, all three signals."""

from pathlib import Path

import pytest
from sqlalchemy import select

from db.models import Span
from tests.clients import install
from tests.clients.conftest import Quantum, Told, run

PROGRAM = Path(__file__).resolve().parent / "js" / "report.js"
ORDERS = 3


@pytest.mark.parametrize("way", ["json", "json gzip", "proto", "proto gzip"])
def test_what_it_sends_is_what_is_shown(way: str, quantum: Quantum, told: Told) -> None:
    try:
        node, folder = install.javascript()
    except install.NotInstalled as error:
        pytest.skip(f"the SDK for JavaScript: {error}")
    assert "reported" in run([str(node), str(PROGRAM), *way.split()], told("unused"), folder)
    name = f"js-{way.replace(' ', '-')}"
    front, back = f"{name}-front", f"{name}-back"
    assert quantum.agents(front) | quantum.agents(back) == {front, back}
    assert quantum.calls(back) == {(front, back): ORDERS}
    spans = quantum.rows(select(Span.trace_id, Span.span_id, Span.status).where(Span.service == back))
    assert sorted(status for *_, status in spans) == [0, 0, 2]
    logs = quantum.logs(back)
    assert sorted((level, words) for level, words, *_ in logs) == [
        ("error", "order 2"),
        ("info", "order 0"),
        ("info", "order 1"),
    ]
    assert {(trace, span) for *_, trace, span in logs} == {(trace, span) for trace, span, _ in spans}
    points = quantum.points(back)
    assert points["orders"] == ("{order}", ORDERS)
    assert points["queue.depth"] == ("{item}", 7)
    assert points["order.duration"] == ("ms", 60)
