"""The export of one's own data holds every row of every table that is one's own, nobody else's, and no secret."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Engine, ForeignKey, LargeBinary, MetaData, Table, Text, inspect, select

from db.actor import SYSTEM
from db.base import Base, Key
from db.engine import session as unit_of_work
from db.models import Profile, SecurityEvent, SupportTicket
from db.queries import own_data
from tests.owned_rows import key_of, own_a_row_everywhere
from tests.people import account_of, make_person
from tests.sessions import session

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Columns that name a person and yet no row of theirs. Say here why, or the export must have it.
NOT_ONES_OWN: dict[str, str] = {}
NAMING = (
    "user_id",
    "account_id",
    "auth_user_id",
    "profile_id",
    "owner_id",
    "author_id",
    "person_id",
    "assigned_to",
)


def exported(engine: Engine, who: UUID) -> dict[str, Any]:
    account_id = account_of(engine, who).id
    with unit_of_work(engine, SYSTEM) as unit:
        found: dict[str, Any] = json.loads("".join(own_data.document(unit, who, account_id, NOW)))
    return found


def covered() -> set[str]:
    return {f"{part.table.name}.{each.name}" for part in own_data.parts() for each in part.named_by}


def test_no_table_with_an_owner_is_missed(engine: Engine) -> None:
    """Asked of the database itself: every column that refers to a person, by its key or by its name."""
    naming = set()
    found = inspect(engine)
    for table in found.get_table_names():
        keys = {
            column: key["referred_table"]
            for key in found.get_foreign_keys(table)
            for column in key["constrained_columns"]
        }
        columns = [each["name"] for each in found.get_columns(table)]
        naming |= {
            f"{table}.{each}"
            for each in columns
            if keys.get(each) in ("profiles", "auth_account") or each in NAMING or each.endswith("_by")
        }
    assert naming - set(NOT_ONES_OWN) == covered() - {"profiles.id", "auth_account.id"}


@pytest.mark.databases("sqlite")
def test_a_new_table_with_an_owner_is_in_the_next_export(monkeypatch: pytest.MonkeyPatch) -> None:
    more = MetaData()
    for each in Base.metadata.tables.values():
        each.to_metadata(more)
    Table(
        "tattoos",
        more,
        Column("id", Key, primary_key=True),
        Column("user_id", Key, ForeignKey("profiles.id")),
        Column("secret", Text),
        Column("sealed", LargeBinary),
        Column("label", Text),
    )
    monkeypatch.setattr(own_data.Base, "metadata", more)
    (part,) = [each for each in own_data.parts() if each.table.name == "tattoos"]
    assert [each.name for each in part.told] == ["id", "user_id", "label"]
    assert part.left_out == ("secret", "sealed")


def test_every_row_of_ones_own_is_there_and_no_secret(engine: Engine) -> None:
    alice, bob = make_person(engine), make_person(engine, "bob")
    with engine.begin() as connection:
        made = own_a_row_everywhere(connection, alice, account_of(engine, alice).id)
        others = own_a_row_everywhere(connection, bob, account_of(engine, bob).id)
    whole = exported(engine, alice)
    tables = Base.metadata.tables
    found = {
        key_of(tables[title.partition(" ")[0]], row)
        for title, rows in whole["tables"].items()
        for row in rows
    }
    assert len(made) >= 20
    assert {name for name, key in made.items() if key not in found} == set()
    text = json.dumps(whole)
    assert "do-not-tell" not in text and "password_hash" not in json.dumps(whole["tables"])
    assert not [key for key in others.values() if key in found]
    assert "bob@example.com" not in text and str(bob) not in text


def test_the_header_says_when_for_whom_and_which_tables(engine: Engine) -> None:
    who = make_person(engine)
    whole = exported(engine, who)
    about = whole["about"]
    assert about["made_at"] == "2026-03-01T12:00:00Z"
    assert about["for"] == {
        "username": "alice",
        "email": "alice@example.com",
        "role": "user",
        "profile_id": str(who),
    }
    told = {each["table"]: each for each in about["tables"]}
    assert {name: each["rows"] for name, each in told.items() if each["rows"]} == {
        "auth_account": 1,
        "profiles": 1,
        "user_stats": 1,
    }
    assert told["auth_account"]["left_out"] == ["password_hash"] and told["deals"]["rows"] == 0
    assert set(whole["tables"]) == {"auth_account", "profiles", "user_stats"}
    assert whole["tables"]["auth_account"][0]["email"] == "alice@example.com"
    assert whole["tables"]["profiles"][0]["full_name"] == "Alice Souza"


def test_rows_about_others_tell_no_more_than_that_one_is_named(engine: Engine) -> None:
    """Who resolved an event about somebody else does not take that person's address along."""
    alice, bob = make_person(engine), make_person(engine, "bob")
    with session(engine, write=True) as unit:
        event = SecurityEvent(
            user_id=bob,
            event_type="login_failed",
            severity="low",
            description="about Bob",
            ip_address="203.0.113.9",
            resolved=True,
            resolved_by=alice,
            resolved_at=NOW,
        )
        ticket = SupportTicket(user_id=bob, subject="Help", description="me", assigned_to=alice)
        unit.add_all([event, ticket])
    whole = exported(engine, alice)
    (named,) = whole["tables"]["security_events (only named in them)"]
    assert set(named) == {"id", "resolved_by", "resolved_at", "created_at"}
    assert "203.0.113.9" not in json.dumps(whole) and "about Bob" not in json.dumps(whole)
    assert whole["tables"]["support_tickets"][0]["subject"] == "Help", (
        "a ticket assigned to her is hers to answer"
    )


def test_it_is_readable_text_and_comes_in_pieces(engine: Engine) -> None:
    who = make_person(engine)
    with session(engine, write=True) as unit:
        row = unit.scalars(select(Profile)).one()
        row.bio = 'A "quote"\nand a line, ação'
    account_id = account_of(engine, who).id
    with unit_of_work(engine, SYSTEM) as unit:
        pieces = list(own_data.document(unit, who, account_id, NOW))
    text = "".join(pieces)
    assert len(pieces) > 5 and '\n    "profiles": [\n      {\n        "id": ' in text
    assert json.loads(text)["tables"]["profiles"][0]["bio"] == 'A "quote"\nand a line, ação'
    assert "ação" in text
