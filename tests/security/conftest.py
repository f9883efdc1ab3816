"""Alice, signed in to the whole application, and rows of other people in every module's tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from db.actor import Actor
from db.engine import make_engine
from db.models import (
    ApiKey,
    ApiLog,
    AuthAccount,
    Deal,
    Invoice,
    Profile,
    SupportTicket,
    TicketMessage,
    Transaction,
    UserSession,
)
from settings import Settings
from tests import module_rows, module_rows_b
from tests.reader import Reader
from tests.sessions import session

Becomes = Callable[[str], Actor]
ARGON = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$ZG8gbm90IHNob3c"


@dataclass(frozen=True)
class Rows:
    """Ids of rows that belong to Bob, by table, and everything that names him or must stay unread."""

    bob: UUID
    ids: dict[str, UUID]
    secrets: tuple[str, ...]


@pytest.fixture
def alice(client: FlaskClient) -> Reader:
    return Reader(client)


@pytest.fixture
def becomes(engine: Engine) -> Becomes:
    """Gives Alice a role, as if it had always been hers; she stays signed in."""

    def change(role: str) -> Actor:
        with session(engine, write=True) as unit:
            module_rows.promote(unit, "alice", role)
            mine = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
        return Actor.person(mine, role)

    return change


@pytest.fixture
def login(settings: Settings) -> Iterator[Callable[[str], Engine]]:
    """Engines as people sign in with: the application's for the role user, the staff's for every other."""
    made = {url: make_engine(url) for url in {settings.database_url, settings.database_staff_url}}
    yield lambda role: made[settings.database_url if role == "user" else settings.database_staff_url]
    for each in made.values():
        each.dispose()


@pytest.fixture
def others(engine: Engine) -> Rows:
    """Rows of every module, none of them Alice's; of some tables one that is Bob's."""
    with session(engine, write=True) as unit:
        module_rows.support(unit)
        module_rows.social(unit)
        module_rows.gamification(unit)
        for fill in (module_rows_b.finance, module_rows_b.security, module_rows_b.api, module_rows_b.ai):
            fill(unit)
        bob = module_rows.person(unit, "bob")
        unit.get_one(AuthAccount, bob.auth_user_id).password_hash = ARGON
        made: dict[str, Any] = {
            "deals": Deal(user_id=bob.id, client_name="Kiln of Bob", status="lead", value="10.00"),
            "tickets": SupportTicket(user_id=bob.id, subject="Bob asks", status="open"),
            "invoices": Invoice(
                user_id=bob.id, invoice_number="B1", amount="1", tax="0", total="1", status="draft"
            ),
            "transactions": Transaction(user_id=bob.id, amount="1", type="payment", description="Bob paid"),
            "keys": ApiKey(user_id=bob.id, key_name="Key of Bob", key_hash="hash of Bob", key_prefix="qk_9"),
            "calls": ApiLog(user_id=bob.id, endpoint="/of-bob", method="GET", status_code=200),
            "sessions": UserSession(user_id=bob.id, ip_address="10.9.9.9", expires_at=module_rows_b.FAR_AWAY),
        }
        unit.add_all(made.values())
        unit.flush()
        ticket = made["tickets"].id
        made["messages"] = TicketMessage(
            ticket_id=ticket, user_id=bob.id, message="Bob writes", is_internal=False
        )
        unit.add(made["messages"])
        unit.flush()
        ids = {name: row.id for name, row in made.items()}
        hashes = tuple(unit.scalars(select(ApiKey.key_hash)))
        # The names in quotes are keys of a row; the rules that administrators read may name a column.
        return Rows(bob.id, ids, (ARGON, "$argon2", '"password_hash"', '"key_hash"', *hashes))
