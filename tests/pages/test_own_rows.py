"""Doors follow the rules of the rows behind them, and a page says where it speaks of one's own rows only."""

import sqlite3
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from dash import Dash
from psycopg.rows import dict_row
from sqlalchemy import Engine, make_url, select, update

from auth.permissions import ROLES, allows
from db.actor import Actor
from db.engine import make_engine
from db.engine import session as guarded
from db.guard import sees_all
from db.listing import LISTINGS
from db.metric import METRICS, SERIES, Window
from db.models import Deal, Invoice, Profile, SupportTicket, TicketMessage
from db.policies import rules
from db.proof import prove
from db.row_security import is_directory
from db.rules import Verb
from settings import Settings
from tests import module_rows, module_rows_b
from tests.reader import Reader, module_body, readings, words
from tests.sessions import session

OWN = "Your role shows the rows that belong to you."
MODULES = {"ai", "api", "crm", "finance", "gamification", "security", "support"}
ALL = Window.parse("all")
# What the target rules say of each role: lists of which it sees everybody's rows.
SEES_ALL = {
    "admin": set(LISTINGS),
    "strategist": {"deals", "activities", "transactions", "invoices", "reports"},
    "observer": {"sessions", "events", "calls", "audit", "reports"},
    "architect": {"predictions", "examples", "reports"},
    "user": set(),
}
FOR_ALL = {
    "achievements", "agentlogs", "connections", "leaderboard", "measurements", "models", "nodes", "posts", "trends",
}  # fmt: skip


def someone(role: str) -> Actor:
    return Actor.person(uuid4(), role)


@pytest.mark.parametrize("role", ROLES)
def test_whose_rows_a_role_sees_is_what_the_target_rules_say(role: str) -> None:
    seen = {name for name, each in LISTINGS.items() if sees_all(someone(role), each.model.__tablename__)}
    assert seen == SEES_ALL[role] | FOR_ALL


@pytest.mark.parametrize("role", ROLES)
def test_a_list_is_open_to_whoever_may_see_a_row_of_it(role: str) -> None:
    """But for the list of people: the one row of it that others may see has a page of its own."""
    for name, listing in LISTINGS.items():
        asked = rules(listing.model.__tablename__, Verb.SELECT)
        may_see = any(each.applies(someone(role)) and not is_directory(each) for each in asked)
        assert allows(role, listing.needs) is (may_see if name != "people" else role == "admin"), name


@pytest.fixture
def alice_owns(alice: Reader, engine: Engine) -> None:
    """Rows of several people; a deal, two invoices, one ticket and its note are Alice's."""
    with session(engine, write=True) as unit:
        module_rows.support(unit)
        module_rows_b.finance(unit)
        mine = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
        unit.add(Deal(user_id=mine, client_name="Kiln Ltd", status="lead", value="10.00"))
        unit.add(
            Deal(
                user_id=module_rows.person(unit, "ada").id,
                client_name="Relay plc",
                status="lead",
                value="7.00",
            )
        )
        two = unit.scalars(select(Invoice.id).limit(2)).all()
        unit.execute(update(Invoice).where(Invoice.id.in_(two)).values(user_id=mine))
        ticket = unit.scalars(select(SupportTicket).where(SupportTicket.subject == "No sound")).one()
        ticket.user_id = mine
        unit.add(TicketMessage(ticket_id=ticket.id, user_id=mine, message="Smoke", is_internal=False))


@pytest.mark.parametrize(
    ("page", "role", "said"),
    [
        ("crm", "user", OWN),
        ("crm", "strategist", ""),
        ("finance", "observer", OWN),
        ("finance", "admin", ""),
        ("support", "strategist", OWN),
        ("security", "user", OWN),
        ("security", "observer", ""),
        ("api-access", "user", OWN),
        ("api-access", "observer", "Of Keys, Rate limits, your role shows the rows that belong to you."),
        ("gamification", "user", "Of People's totals, your role shows the rows that belong to you."),
        ("ai", "user", "Of Predictions, your role shows the rows that belong to you."),
        ("ai", "architect", ""),
        ("social", "user", ""),
        ("system", "user", ""),
    ],
)
@pytest.mark.databases("sqlite")
def test_a_page_says_where_it_shows_one_s_own_rows_only(
    alice: Reader, engine: Engine, page: str, role: str, said: str
) -> None:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", role)
    top = words(module_body(alice, page)["top"])
    assert said in top and ("belong to you" in top) is bool(said)
    if said == OWN:
        assert "Seu papel mostra as linhas que pertencem a você." in words(
            module_body(alice, page, "?lang=pt-BR")["top"]
        )


@pytest.mark.databases("sqlite")
def test_the_list_of_all_metrics_says_it_of_each_domain(alice: Reader) -> None:
    names = {key.partition(".")[0] for key in (*METRICS, *SERIES)}
    told = {name for name in names if OWN in words(alice.body("metrics", f"?lang=en&domain={name}"))}
    assert told == MODULES


def test_numbers_and_lists_speak_of_one_s_own_rows(alice: Reader, alice_owns: None) -> None:
    shown = {page: readings(module_body(alice, page)["top"]) for page in ("crm", "finance", "support")}
    assert (shown["crm"]["crm.deals"], shown["finance"]["finance.invoices"]) == ("1", "2")
    assert (shown["support"]["support.tickets"], shown["support"]["support.messages"]) == ("1", "1")
    deals = words(module_body(alice, "crm")["list"])
    assert "Kiln Ltd" in deals and "Relay plc" not in deals


# --- the printed query, run as it stands -----------------------------------------------------------------------


def run(url: str, sql: str, params: Any) -> dict[str, Any]:
    """The only row of a query on a bare connection: what somebody sees who copies it from the drawer."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        bare = sqlite3.connect(str(address.database))
        bare.row_factory = sqlite3.Row
        try:
            return dict(bare.execute(sql, dict(params)).fetchone())
        finally:
            bare.close()
    with psycopg.connect(
        address.set(drivername="postgresql").render_as_string(False), row_factory=dict_row
    ) as open_:
        return dict(open_.execute(sql, dict(params)).fetchone() or {})


@pytest.mark.parametrize("role", ["user", "strategist"])
def test_the_printed_query_of_one_s_own_number_gives_that_number(
    app: Dash,
    alice: Reader,
    alice_owns: None,
    engine: Engine,
    settings: Settings,
    migrated_url: str,
    role: str,
) -> None:
    with session(engine) as unit:
        mine = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
    actor = Actor.person(mine, role)
    login = make_engine(settings.database_url if role == "user" else settings.database_staff_url)
    proven = narrowed = 0
    for key, made in METRICS.items():
        if made.subject or key.split(".")[0] not in MODULES or not allows(role, made.needs):
            continue
        with guarded(login, actor) as unit:
            proof = prove(unit, key, ALL)
        printed = run(migrated_url, proof.sql, proof.params)
        value, shown = printed["value"], proof.reading.value  # type: ignore[union-attr]
        assert shown is None or float(value) == float(shown), (key, printed, proof.sql)
        own = any(not sees_all(actor, table) for table in proof.tables)
        assert not own or "WHERE" in proof.sql, proof.sql
        proven, narrowed = proven + 1, narrowed + own
    login.dispose()
    print(f"\n{proven} printed queries run as {role}, {narrowed} of them narrowed to one's own rows")
    assert proven > 20 and narrowed > 8
