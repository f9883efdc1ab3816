"""Spans in half the room: the revision that makes them so keeps every word, and what a sender says is stored once."""

import logging
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update

from db import schema
from db.models import Call, Sender, Span
from db.services.ingest import store
from db.services.otlp import SpanRecord, spans_of
from db.services.otlp_files import import_files
from db.services.rollups import roll_up_all
from tests.databases import logins
from tests.otlp import request, span, write
from tests.sessions import session

LATE_IN_A_SECOND = 1_795_759_203_999_999_000  # which rounding would make the next one
FORMER, COMPACT = "20261127_access", "20261127_compact_spans"
INVOKE = {"gen_ai__operation__name": "invoke_agent"}


def records(*documents: dict[str, Any]) -> list[SpanRecord]:
    return [each for document in documents for each in spans_of(document) if isinstance(each, SpanRecord)]


def everything(engine: Engine) -> list[tuple[Any, ...]]:
    """Each span with all that is known of it, and each call."""
    spans = [column for name, column in Span.__table__.columns.items() if name != "sender_id"]
    with session(engine) as unit:
        found = unit.execute(
            select(*spans, Sender.source, Sender.scope, Sender.resource, Sender.digest)
            .join(Sender, Sender.id == Span.__table__.c.sender_id)
            .order_by(Span.trace_id, Span.span_id)
        )
        calls = unit.execute(select(*Call.__table__.columns).order_by(Call.trace_id, Call.span_id))
        return [tuple(row) for row in (*found, *calls)]


def fill(engine: Engine) -> None:
    shop = request(
        span(1, name="checkout", **INVOKE, gen_ai__agent__name="planner"),
        span(2, 1, text="Grüße", share=2.5),
        span(3, 2, status=2),
        span(4, 77),
        span(5, 4, **INVOKE, gen_ai__agent__name="helper"),
        span(6, 5),
        span(7, 4),
    )
    shop["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": "our.library"}
    other = request(span(1, trace=2), span(2, 1, trace=2), service="desk")
    with session(engine, write=True) as unit:
        store(unit, records(shop, other), "first")
        store(unit, records(request(span(1, trace=3), service="desk")), "second")
        unit.execute(update(Span).where(Span.trace_id == f"{3:032x}").values(received_ns=LATE_IN_A_SECOND))


def test_down_and_up_again_keeps_every_span_with_all_that_is_known_of_it(
    migrated_url: str, engine: Engine
) -> None:
    fill(engine)
    owner, before = logins(migrated_url)["owner"], everything(engine)
    assert len(before) == 11 and {row[-4] for row in before[:10]} == {"first", "second"}
    schema.migrate(owner, FORMER)
    with engine.connect() as connection:
        former = connection.execute(text("SELECT * FROM spans ORDER BY trace_id, span_id")).mappings().all()
        latencies = connection.execute(text("SELECT trace_id, callee_span_id FROM calls")).all()
    assert [(row["trace_id"], row["span_id"], row["source"], row["scope"]) for row in former] == [
        (row[0], row[1], row[-4], row[-3]) for row in before[:10]
    ]
    assert {len(trace) for trace, _ in latencies} == {32} and {len(callee) for _, callee in latencies} == {16}
    schema.migrate(owner)
    assert everything(engine) == before
    with session(engine, write=True) as unit:
        again = store(unit, records(request(span(9, trace=3), service="desk")), "second")
    assert again.spans == 1
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Sender)) == 3, "the sender was there already"


def test_what_was_stored_before_waits_for_its_parents_as_what_comes_now(
    migrated_url: str, engine: Engine
) -> None:
    """The revision finds out who waits; 4's parent never came, and 6 is under a name of its own."""
    fill(engine)
    owner = logins(migrated_url)["owner"]
    schema.migrate(owner, FORMER)
    schema.migrate(owner)
    assert unsettled(engine) == {"04", "05", "07"}


def unsettled(engine: Engine) -> set[str]:
    with session(engine) as unit:
        return {each[-2:] for each in unit.scalars(select(Span.span_id).where(Span.unsettled))}


def test_a_database_without_a_span_goes_down_and_up(migrated_url: str, engine: Engine) -> None:
    owner = logins(migrated_url)["owner"]
    schema.migrate(owner, FORMER)
    schema.migrate(owner, COMPACT)
    schema.migrate(owner)
    fill(engine)
    assert len(everything(engine)) == 11


def test_what_spans_of_a_sender_share_is_stored_once_and_read_with_each(
    engine: Engine, tmp_path: Path
) -> None:
    documents = [request(span(n), service="shop") for n in range(1, 30)]
    import_files(engine, [write(tmp_path / "day.jsonl", *documents)])
    with session(engine) as unit:
        sender = unit.scalars(select(Sender)).one()
        rows = unit.execute(select(Span.span_id, Span.source, Span.scope, Span.resource)).all()
    assert {(row.source, row.scope, str(row.resource)) for row in rows} == {
        ("day", None, "{'service.name': 'shop'}")
    }
    assert (sender.source, sender.resource) == ("day", {"service.name": "shop"})


@pytest.mark.databases("sqlite")
def test_the_shop_minute_takes_less_than_half_of_what_the_peer_takes(
    engine: Engine, migrated_url: str, shared_data: Path
) -> None:
    """The peer took 820 bytes for a span of this minute; ours holds all resource attributes."""
    path = shared_data / "data/traces/onlineboutique-2022-08-22-0353.otlp.jsonl.gz"
    empty = octets(engine)  # grows with every table, whatever it is for
    report = import_files(engine, [path])
    roll_up_all(engine)
    each = (octets(engine) - empty) / report.spans
    logging.getLogger(__name__).info("%.1f bytes a span, with what is counted of it", each)
    assert each < 820 / 2


def octets(engine: Engine) -> int:
    with engine.connect() as connection:
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {what}").scalar() for what in ("page_count", "page_size")
        )
    return int(pages) * int(size)
