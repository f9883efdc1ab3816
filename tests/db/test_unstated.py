"""What a file never stated is no value: not in a list, its menus, its order, its filters or a sum."""

from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.listing import LISTINGS, Wish, choices, read_page, read_row, stated
from db.metric import Window, read
from db.models import Deal, SecurityEvent
from tests.module_rows import JUNE

ALL = Window.parse("all")


@pytest.fixture
def deals(db_session: Session) -> Session:
    """Six open deals of value 5, whose sources left out: nothing, one column, or the value among others."""
    silences = ("", "value", "value stage", "stage value", "client_name value stage", "probable_value")
    for silent in silences:
        meta = {"unstated": silent} if silent else {}
        deal = Deal(client_name=silent or "told", value=Decimal(5), status="lead", meta=meta)
        deal.created_at = JUNE
        db_session.add(deal)
    db_session.flush()
    return db_session


def test_a_column_is_unstated_beside_others(deals: Session) -> None:
    told = set(deals.scalars(select(Deal.client_name).where(stated(Deal.meta, "value"))))
    assert told == {"told", "probable_value"}
    assert read(deals, "crm.open_value", ALL).value == 10


def test_a_list_has_no_value_for_it_and_sorts_it_last(deals: Session) -> None:
    for order in ("value", "-value"):
        values = [row["value"] for row in read_page(deals, LISTINGS["deals"], Wish(order=order)).rows]
        assert values == [5, 5, None, None, None, None]
    key = str(deals.scalars(select(Deal.id).where(Deal.client_name == "stage value")).one())
    row = read_row(deals, LISTINGS["deals"], key)
    assert row is not None and row["value"] is None and row["status"] == "lead"


def test_nobody_finds_it_under_the_word_that_stands_in_for_it(db_session: Session) -> None:
    for meta in ({"unstated": "severity"}, {"unstated": "severity description"}, {}):
        event = SecurityEvent(event_type="login_failed", severity="low", description="Refused", meta=meta)
        event.created_at = JUNE
        db_session.add(event)
    db_session.flush()
    events = LISTINGS["events"]
    assert choices(db_session, events)["severity"] == [None, "low"]
    for word, count in (("low", 1), ("none", 2)):
        found = read_page(db_session, events, Wish(chosen={"severity": word}))
        assert found.total == count
        assert {row["severity"] for row in found.rows} == ({"low"} if word == "low" else {None})


def test_a_silence_about_what_is_no_column_is_no_column(db_session: Session) -> None:
    deal = Deal(client_name="told", value=Decimal(5), status="lead", meta={"unstated": "value <b> __class__"})
    db_session.add(deal)
    db_session.flush()
    row = read_row(db_session, LISTINGS["deals"], str(deal.id))
    assert row is not None and row["value"] is None
    assert not {"<b>", "__class__"} & set(row)
