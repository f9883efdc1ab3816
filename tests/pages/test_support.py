"""/support: what it counts, which lists it shows to whom, and a ticket's page with what is written on it."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update

from db.models import Profile, SupportTicket
from tests import module_rows
from tests.reader import Reader, elements, module_body, module_row, readings, words
from tests.sessions import session


@pytest.fixture
def admin(alice: Reader, engine: Engine) -> Reader:
    """Alice, who administers."""
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", "admin")
    return alice


@pytest.fixture
def ticket(engine: Engine) -> str:
    """Some tickets; the key of the one with messages."""
    with session(engine, write=True) as unit:
        return str(module_rows.support(unit).id)


@pytest.fixture
def owner(alice: Reader, engine: Engine, ticket: str) -> Reader:
    """Alice, who asked what the ticket with the notes asks."""
    with session(engine, write=True) as unit:
        alice_id = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
        unit.execute(update(SupportTicket).where(SupportTicket.id == UUID(ticket)).values(user_id=alice_id))
    return alice


@pytest.fixture
def assignee(alice: Reader, engine: Engine, ticket: str) -> Reader:
    """Alice, to whom that ticket is assigned."""
    with session(engine, write=True) as unit:
        alice_id = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
        unit.execute(
            update(SupportTicket).where(SupportTicket.id == UUID(ticket)).values(assigned_to=alice_id)
        )
    return alice


@pytest.mark.databases("sqlite")
def test_an_empty_page_counts_nothing_and_says_how_tickets_get_in(admin: Reader) -> None:
    drawn = module_body(admin, "support")
    shown = readings(drawn["top"])
    assert shown["support.tickets"] == shown["support.messages"] == "0"
    assert shown["support.resolution_hours_p50"] == ""
    said = words(drawn["list"])
    assert (
        "Tickets come in from a file" in said
        and "import table support_tickets FILE.csv --recipe incidents" in said
    )
    for name in ("messages", "notes"):
        said = words(module_body(admin, "support", f"?range=all&lang=en&list={name}")["list"])
        assert "import table ticket_messages FILE.csv" in said


def test_it_counts_and_lists_tickets(admin: Reader, ticket: str) -> None:
    drawn = module_body(admin, "support")
    shown = readings(drawn["top"])
    assert shown["support.tickets"] == "5" and shown["support.resolution_hours_p50"] == "5.5"
    assert shown["support.internal_notes"] == "2" and "5.5 hours n = 3" in words(drawn["top"])
    said = words(drawn["list"])
    assert "Printer on fire" in said and "in progress" in said and "ada" in said and "-0.25" in said
    said = words(module_body(admin, "support", "?lang=en&status=in_progress")["list"])
    assert "Lost badge" in said and "Printer on fire" not in said


def test_a_ticket_shows_every_column_its_messages_and_its_notes(admin: Reader, ticket: str) -> None:
    said = words(module_row(admin, "support", "tickets", ticket))
    for part in (
        "Mail is slow",
        "assigned_to",
        "Assigned to ada",
        "We look into it",
        "The relay is full",
        "Unmarked",
    ):
        assert part in said, part


def test_internal_notes_are_nowhere_for_who_asked(owner: Reader, admin_notes: list[str], ticket: str) -> None:
    drawn = module_body(owner, "support")
    shown = readings(drawn["top"])
    assert (shown["support.tickets"], shown["support.messages"], shown["support.internal_notes"]) == (
        "1",
        "1",
        "0",
    )
    asked = [
        drawn,
        module_body(owner, "support", "?range=all&lang=en&list=notes"),
        module_body(owner, "support", "?range=all&lang=en&list=messages"),
        module_row(owner, "support", "tickets", ticket),
        *[module_row(owner, "support", name, key) for name in ("notes", "messages") for key in admin_notes],
    ]
    for seen in asked:
        assert "The relay is full" not in str(seen) and "Unmarked" not in str(seen)
    assert "We look into it" in str(asked[2]) and "We look into it" in str(asked[3])
    assert "There is no such row" in words(asked[-1])


def test_who_a_ticket_is_assigned_to_reads_its_notes(
    assignee: Reader, admin_notes: list[str], ticket: str
) -> None:
    shown = readings(module_body(assignee, "support")["top"])
    assert (shown["support.tickets"], shown["support.internal_notes"]) == ("1", "2")
    assert "The relay is full" in str(module_row(assignee, "support", "tickets", ticket))


@pytest.fixture
def admin_notes(engine: Engine, ticket: str) -> list[str]:
    """The keys of the internal notes."""
    from db.listing import LISTINGS, Wish, read_page

    with session(engine) as unit:
        return [str(row["row_key"]) for row in read_page(unit, LISTINGS["notes"], Wish()).rows]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", ["user", "strategist"])
def test_other_roles_see_nothing_of_others(alice: Reader, engine: Engine, ticket: str, role: str) -> None:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", role)
    drawn = module_body(alice, "support")
    assert "Your role shows the rows that belong to you." in words(drawn["top"])
    assert readings(drawn["top"])["support.tickets"] == "0"
    assert "Mail is slow" not in str(drawn) + str(module_row(alice, "support", "tickets", ticket))


@pytest.mark.databases("sqlite")
def test_in_portuguese_the_words_of_the_columns_are_portuguese(admin: Reader, ticket: str) -> None:
    drawn = module_body(admin, "support", "?range=all&lang=pt-BR")
    said = words(drawn["list"])
    assert "em andamento" in said and "crítica" in said and "critical" not in said
    assert "Tempo até a resolução, mediana" in words(drawn["top"])


@pytest.mark.databases("sqlite")
def test_a_row_s_page_says_in_words_what_the_list_says_and_has_no_range(admin: Reader, ticket: str) -> None:
    drawn = module_row(admin, "support", "tickets", ticket)
    said = words(drawn)
    assert said.index("Subject Mail is slow") < said.index("Other columns") < said.index("assigned_to")
    assert said.index("updated_at") < said.index("Messages 1 row")
    assert any(each["props"].get("className") == "is-rangeless" for each in elements(drawn))


@pytest.mark.databases("sqlite")
def test_only_filters_with_a_choice_are_offered(admin: Reader, engine: Engine) -> None:
    assert "Status" not in words(module_body(admin, "support")["menus"])
    asked = words(module_body(admin, "support", "?range=all&lang=en&status=open")["menus"])
    assert "Status" in asked and "Priority" not in asked  # what is in force can be taken away
    with session(engine, write=True) as unit:
        module_rows.support(unit)
    assert "Status" in words(module_body(admin, "support")["menus"])
