"""The access explorer tells the truth: what it shows is what a session of that person reads, and why."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, inspect, select, text

from db import guard, row_security, sight
from db.actor import SYSTEM, Actor
from db.engine import make_engine
from db.engine import session as in_name_of
from db.models import ApiKey, Deal, SupportTicket, TicketMessage
from db.policies import rules
from db.queries import access
from db.queries.access import DIRECTORY, Sight, changing, letting_through, look, somebody_with, tables
from db.recorder import SECRETS
from db.rules import Verb
from tests.databases import logins
from tests.owned_rows import own_a_row_everywhere
from tests.people import account_of, make_person
from tests.sessions import session

CAST = ("alice", "bob", "carol", "olga", "stan", "archie", "anybody with observer", "stranger")
ROLES = {
    "alice": "admin",
    "bob": "user",
    "carol": "user",
    "olga": "observer",
    "stan": "strategist",
    "archie": "architect",
}


@pytest.fixture
def cast(engine: Engine) -> dict[str, Actor]:
    """Six people of five roles, of whom each but Carol owns a row everywhere; somebody who only has a role; nobody."""
    found: dict[str, Actor] = {}
    for name, role in ROLES.items():
        profile_id = make_person(engine, name, role)
        found[name] = Actor.person(profile_id, role)
        if name != "carol":
            account_id = account_of(engine, profile_id).id
            with session(engine, write=True) as unit:
                own_a_row_everywhere(unit.connection(), profile_id, account_id)
    return found | {"anybody with observer": somebody_with("observer"), "stranger": somebody_with("")}


@pytest.fixture
def doors(migrated_url: str) -> Iterator[dict[str, Engine]]:
    """An engine per login."""
    made = {part: make_engine(url) for part, url in logins(migrated_url).items()}
    yield made
    for each in made.values():
        each.dispose()


def seen(doors: dict[str, Engine], actor: Actor, table: str, **more: Any) -> Sight:
    login = doors["app" if actor.role in (None, "user") else "staff"]
    with in_name_of(login, actor) as unit:
        return look(unit, table, **more)


def count(engine: Engine, model: Any) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(model)) or 0


def key_of(table: str, row: Any) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in inspect(tables()[table]).primary_key)


@pytest.mark.parametrize("name", CAST)
def test_of_every_table_it_shows_the_rows_that_a_session_of_theirs_reads(
    doors: dict[str, Engine], cast: dict[str, Actor], name: str
) -> None:
    actor, wrong, shown = cast[name], [], 0
    login = doors["app" if actor.role in (None, "user") else "staff"]
    for table, model in tables().items():
        found = seen(doors, actor, table, first=1000)
        key = [each.name for each in inspect(model).primary_key]
        attributes = {each.columns[0].name: getattr(model, each.key) for each in inspect(model).column_attrs}
        if found.refused:
            assert not letting_through(actor, table), table
            mine: set[Any] = set()
        else:
            with in_name_of(login, actor) as unit:
                mine = {tuple(row) for row in unit.execute(select(*(attributes[each] for each in key)))}
        shown += len(mine)
        if {key_of(table, row.values) for row in found.rows} != mine or found.seen != len(mine):
            wrong.append(table)
        if found.is_leaking or any(not row.by for row in found.rows):
            wrong.append(f"{table}: by {[row.by for row in found.rows]}, {found.by_database}")
    assert not wrong
    assert shown or name == "stranger", "somebody sees something"


def test_every_row_names_the_rules_it_came_through(doors: dict[str, Engine], cast: dict[str, Actor]) -> None:
    bob, carol, stan = cast["bob"], cast["carol"], cast["stan"]
    (row,) = seen(doors, bob, "deals").rows
    assert (row.values["user_id"], row.by) == (bob.profile_id, ("deals_select_owner",))
    assert seen(doors, carol, "deals").rows == ()
    by = {row.values["user_id"]: row.by for row in seen(doors, stan, "deals").rows}
    assert by[stan.profile_id] == ("deals_select_owner", "deals_select_oversight")
    assert by[bob.profile_id] == ("deals_select_oversight",)


def test_a_rule_about_the_parent_row_is_found_too(
    engine: Engine, doors: dict[str, Engine], cast: dict[str, Actor]
) -> None:
    bob, carol = cast["bob"], cast["carol"]
    with session(engine, write=True) as unit:
        ticket = SupportTicket(subject="No sound", user_id=carol.profile_id, assigned_to=bob.profile_id)
        unit.add(ticket)
        unit.flush()
        for inner in (False, True):
            unit.add(
                TicketMessage(ticket_id=ticket.id, user_id=bob.profile_id, message="x", is_internal=inner)
            )
    of_carol = [(row.values["is_internal"], row.by) for row in seen(doors, carol, "ticket_messages").rows]
    assert of_carol == [(False, ("ticket_messages_select_ticket_owner",))]
    of_bob = [
        row
        for row in seen(doors, bob, "ticket_messages").rows
        if row.by == ("ticket_messages_select_ticket_assignee",)
    ]
    assert len(of_bob) == 2


def test_secret_columns_are_never_shown(
    engine: Engine, doors: dict[str, Engine], cast: dict[str, Actor]
) -> None:
    found = seen(doors, cast["alice"], "api_keys")
    assert found.rows and "key_hash" not in found.columns and "key_hash" not in found.sql
    with session(engine) as unit:
        hashes = set(unit.scalars(select(ApiKey.key_hash)))
    assert not hashes & {value for row in found.rows for value in map(str, row.values.values())}
    for table in tables():
        assert not SECRETS & set(access.columns_shown(table)), table


def test_the_first_rows_are_counted_against_all(
    engine: Engine, doors: dict[str, Engine], cast: dict[str, Actor]
) -> None:
    bob = cast["bob"]
    with session(engine, write=True) as unit:
        unit.add_all(Deal(user_id=bob.profile_id, client_name=f"Client {n}", value=1) for n in range(60))
    found = seen(doors, bob, "deals")
    assert (len(found.rows), found.seen) == (50, 61)
    with in_name_of(doors["system"], SYSTEM) as unit:
        assert access.count_all(unit, "deals") == count(engine, Deal) > 61
    assert {row.values["user_id"] for row in found.rows} == {bob.profile_id}


def test_the_sql_shown_runs_as_it_stands_and_gives_these_rows(
    engine: Engine, doors: dict[str, Engine], cast: dict[str, Actor]
) -> None:
    found = seen(doors, cast["bob"], "support_tickets")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(found.sql, dict(found.params)).mappings().all()
    assert [str(UUID(str(row["id"]))) for row in rows] == [str(row.values["id"]) for row in found.rows]
    assert rows, "something was compared"


@pytest.mark.databases("postgresql")
def test_a_login_without_the_right_is_told_so_by_the_database(
    doors: dict[str, Engine], cast: dict[str, Actor]
) -> None:
    found = seen(doors, cast["alice"], "auth_account")
    assert found.refused == "permission denied for table auth_account" and not found.rows
    assert not found.is_leaking


@pytest.mark.databases("postgresql")
def test_an_alarm_where_the_two_fences_disagree(
    engine: Engine, doors: dict[str, Engine], cast: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not seen(doors, cast["bob"], "deals").is_leaking
    with session(engine, write=True) as unit:
        unit.execute(text("CREATE POLICY gone_wrong ON deals FOR SELECT TO quantum_app USING (true)"))
    found = seen(doors, cast["bob"], "deals")
    assert found.is_leaking and (found.seen, found.by_database) == (1, count(engine, Deal))
    with session(engine, write=True) as unit:
        unit.execute(text("DROP POLICY gone_wrong ON deals"))
        unit.execute(text("DROP POLICY deals_select_owner ON deals"))
    monkeypatch.setattr(sight, "visible", lambda *_: None)
    monkeypatch.setattr(guard, "compiled_for", lambda *_: {})  # statements compiled before would hide it
    found = seen(doors, cast["bob"], "deals")
    assert (found.seen, found.by_database, found.rows) == (0, 0, ()), "the second fence holds alone"


@pytest.mark.databases("sqlite")
def test_sqlite_counts_nothing_by_itself(doors: dict[str, Engine], cast: dict[str, Actor]) -> None:
    assert seen(doors, cast["bob"], "deals").by_database is None


def test_the_cards_of_people_are_a_table_of_their_own(
    doors: dict[str, Engine], cast: dict[str, Actor]
) -> None:
    found = seen(doors, cast["carol"], DIRECTORY)
    assert found.seen == len(ROLES) and {row.by for row in found.rows} == {("profiles_select_directory",)}
    assert set(found.columns) == set(row_security.CARD)
    assert seen(doors, cast["carol"], "profiles").seen == 1


def test_what_may_be_changed_is_told_by_the_same_rules() -> None:
    named = {
        verb: [each.name for each in found]
        for verb, found in changing(somebody_with("user"), "deals").items()
    }
    assert named == {
        Verb.INSERT: ["deals_insert_owner"],
        Verb.UPDATE: ["deals_update_owner"],
        Verb.DELETE: ["deals_delete_owner"],
    }
    everything = [each for verb in Verb for each in rules("deals", verb)]
    assert len(everything) > 3
    assert not any(changing(somebody_with(""), "deals").values())


def test_there_is_nothing_to_see_in_a_table_there_is_not(
    doors: dict[str, Engine], cast: dict[str, Actor]
) -> None:
    for name in ("nothing", "pg_authid", "sqlite_master", "deals; DROP TABLE deals", "alembic_version"):
        with pytest.raises(KeyError):
            seen(doors, cast["alice"], name)
