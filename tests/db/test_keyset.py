"""Keyset paging over whatever a column may hold: nulls, equal values, every type, either direction."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, insert, null, select

from db.base import uuid7
from db.keyset import BadCursor, Key, cursor_of, question, read_slice, values_of
from db.models import Agent, SupportTicket
from tests.sessions import session

AT = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = question("/tickets")


@pytest.fixture
def tickets(engine: Engine) -> None:
    """Twelve rows: moments that repeat, and three rows without one."""
    moments = [AT + timedelta(hours=n // 2) for n in range(9)] + [null()] * 3
    with session(engine, write=True) as unit:
        unit.execute(
            insert(SupportTicket),
            [{"subject": f"t{n}", "status": "open", "created_at": at} for n, at in enumerate(moments)],
        )


def walked(engine: Engine, keys: Sequence[Key], size: int) -> list[Any]:
    """The subjects of all rows, page by page, each cursor written and read again."""
    found, after = [], None
    with session(engine) as unit:
        while True:
            statement = select(SupportTicket.subject, SupportTicket.created_at, SupportTicket.id)
            page = read_slice(unit, statement, keys, after=after, size=size)
            found += [row["subject"] for row in page.rows]
            if page.after is None:
                return found
            assert len(page.rows) == size
            after = values_of(cursor_of(page.after, ASKED), keys, ASKED)
            assert after == page.after


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 13])
def test_every_row_comes_once_and_those_without_a_value_last(
    engine: Engine, tickets: None, descending: bool, size: int
) -> None:
    moment = Key(SupportTicket.created_at, "created_at", descending=descending, nullable=True)
    keys = (moment, Key(SupportTicket.id, "id"))
    found = walked(engine, keys, size)
    assert sorted(found) == sorted(f"t{n}" for n in range(12))
    assert set(found[-3:]) == {"t9", "t10", "t11"}
    hours = [int(name[1:]) // 2 for name in found[:-3]]
    assert hours == sorted(hours, reverse=descending)


def test_a_cursor_keeps_every_kind_of_value() -> None:
    for value in (AT, AT.date(), uuid7(), Decimal("1.50"), "a", 5, 0.5, True, None):
        keys = (Key(Agent.id, "id", nullable=True),)
        (again,) = values_of(cursor_of((value,), ASKED), keys, ASKED)
        assert again == value and type(again) is type(value)


def test_a_changed_or_strange_cursor_is_none() -> None:
    keys = (Key(SupportTicket.created_at, "created_at", nullable=True), Key(Agent.id, "id"))
    wrong = [
        cursor_of((AT, "a"), question("/other")),
        cursor_of((AT,), ASKED),
        cursor_of((AT, None), ASKED),
        cursor_of((AT, {"moon": "x"}), ASKED),
        cursor_of((AT, {"id": "x"}), ASKED),
        cursor_of((AT, {"exact": "x"}), ASKED),
        cursor_of((AT, {"at": 5}), ASKED),
        cursor_of((AT, {}), ASKED),
        "",
        "e30",
        "ü",
        "A" * 5000,
    ]
    for cursor in wrong:
        with pytest.raises(BadCursor):
            values_of(cursor, keys, ASKED)
