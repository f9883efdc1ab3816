"""Writes that go other ways than one object and one flush: in bulk, by statements, forged, caught and tried again."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, insert, null, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from db.engine import session
from db.guard import Denied
from db.models import (
    AiModel,
    ApiKey,
    Deal,
    DealActivity,
    Invoice,
    Profile,
    ProfileCard,
    SupportTicket,
    Transaction,
    UserSession,
)
from db.recorder import UnrecordedWrite
from tests.access import orm
from tests.access.conftest import Place
from tests.access.world import identity

Work = Callable[[Session], Any]


def tried(place: Place, name: str, work: Work) -> Any:
    """What comes of it, as somebody whom the rules alone guard; rolled back."""
    asker = place.world.asker(name)
    found: list[Any] = []
    try:
        with orm.unrecorded(place.engine(asker.login), asker) as unit:
            found.append(work(unit))
            unit.flush()
            raise orm.Undone
    except orm.Undone:
        return found[0]


def anothers(place: Place, table: str = "deals", label: str = "") -> UUID:
    return place.world.one(table, "another", label).values["id"]  # type: ignore[no-any-return]


def rows(unit: Session, statement: Any) -> int:
    return unit.execute(statement).rowcount  # type: ignore[attr-defined, no-any-return]


# --- statements that change many rows -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "statement", "reached"),
    [
        ("user", update(Deal).values(notes="x"), 2),
        ("observer", update(Deal).values(notes="x"), 2),
        ("strategist", update(Deal).values(notes="x"), 2),
        ("admin", update(Deal).values(notes="x"), 14),
        ("user", delete(Deal), 1),
        ("strategist", delete(Deal), 1),
        ("user", delete(Invoice), 1),
        ("user", update(SupportTicket).values(subject="x"), 2),
        ("user", delete(UserSession), 2),
        ("user", update(ApiKey).values(key_name="x"), 2),
        ("user", update(SupportTicket).values(status="closed"), 4),  # as assignee; as owner one at a time
        ("admin", update(ApiKey).values(is_active=True), 2),  # its own
    ],
)
def test_a_statement_reaches_what_one_may_change(
    place: Place, name: str, statement: Any, reached: int
) -> None:
    assert tried(place, name, lambda unit: rows(unit, statement)) == reached


REFUSED: dict[str, tuple[str, Callable[[Place], Any]]] = {
    "give rows away": ("user", lambda place: update(Deal).values(user_id=identity("spare"))),
    "take rows": ("user", lambda place: update(Deal).values(user_id=identity("user"))),
    "raise one's role": ("observer", lambda place: update(Profile).values(role="admin")),
    "close own tickets unseen": ("anonymous", lambda place: update(SupportTicket).values(status="closed")),
    "end sessions at once": ("user", lambda place: update(UserSession).values(is_active=False)),
    "name the keys of all": ("architect", lambda place: update(ApiKey).values(key_prefix="x")),
    "send invoices at once": ("user", lambda place: update(Invoice).values(status="paid")),
    "change in raw SQL": ("user", lambda place: text("UPDATE deals SET notes = 'x'")),
    "say where in raw SQL": ("user", lambda place: update(Deal).where(text("1 = 1")).values(notes="x")),
    "set to raw SQL": ("user", lambda place: update(Deal).values(notes=text("(SELECT 1)"))),
    "change a bare table": ("user", lambda place: update(Deal.__table__).values(notes="x")),
    "empty a bare table": ("user", lambda place: delete(Deal.__table__)),
    "fill a bare table": ("architect", lambda place: insert(AiModel.__table__).values(name="x")),
    "change an alias": ("user", lambda place: update(aliased(Deal)).values(notes="x")),
    "return a hash": ("user", lambda place: update(ApiKey).values(key_name="x").returning(ApiKey.key_hash)),
    "find by a hash": ("user", lambda place: update(ApiKey).where(ApiKey.key_hash > "a").values(key_name="x")),
    "copy a hash": ("user", lambda place: update(ApiKey).values(key_name=ApiKey.key_hash)),
    "change a card": ("user", lambda place: update(ProfileCard).values(full_name="x")),
    "insert many": ("user", lambda place: insert(Deal).values(user_id=identity("spare"), client_name="x", value=1)),
    "insert from elsewhere": ("user", lambda place: insert(AiModel).from_select(["name"], select(Deal.notes))),
    "pay oneself": ("user", lambda place: insert(Transaction).values(type="bonus", amount=1)),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_nobody_can(place: Place, what: str) -> None:
    name, statement = REFUSED[what]
    with pytest.raises(Denied):
        tried(place, name, lambda unit: unit.execute(statement(place)))


def test_no_list_of_rows_is_changed_unseen(place: Place) -> None:
    with pytest.raises(Denied):
        tried(place, "user", lambda unit: unit.execute(update(Deal), [{"id": anothers(place), "notes": "x"}]))
    with pytest.raises(Denied):
        row = {"id": identity("new"), "user_id": identity("spare"), "client_name": "x", "value": 1}
        tried(place, "user", lambda unit: unit.execute(insert(Deal), [row]))


def test_whoever_may_make_any_row_of_a_kind_may_make_many(place: Place) -> None:
    models = [{"id": identity("m", n), "name": f"m{n}", "version": "1", "model_type": "nlp"} for n in (1, 2)]

    def make(unit: Session) -> Any:
        unit.execute(insert(AiModel).values(models))
        return unit.scalar(select(func.count()).where(AiModel.name.in_(("m1", "m2"))))

    assert tried(place, "architect", make) == 2


# --- what a change reads ------------------------------------------------------------------------------

READ: dict[str, Callable[[], Any]] = {
    "of a class": lambda: select(func.count(aliased(Deal).id)).scalar_subquery(),
    "of a bare table": lambda: select(func.count(Deal.__table__.alias().c.id)).scalar_subquery(),
}


@pytest.mark.parametrize("how", READ)
def test_a_statement_copies_nothing_its_person_does_not_see(place: Place, how: str) -> None:
    def copy(unit: Session) -> Any:
        unit.execute(update(Deal).values(probability=READ[how]()))
        return unit.scalars(select(Deal.probability)).all()

    assert set(tried(place, "user", copy)) == {2}


@pytest.mark.parametrize("how", READ)
def test_an_object_is_given_no_value_that_is_read_elsewhere(place: Place, how: str) -> None:
    def change(unit: Session) -> None:
        unit.scalars(select(Deal)).all()[0].probability = READ[how]()

    def make(unit: Session) -> None:
        unit.add(Deal(user_id=identity("user"), client_name="x", value=1, probability=READ[how]()))

    for work in (change, make):
        with pytest.raises(Denied, match="read elsewhere"):
            tried(place, "user", work)


@pytest.mark.parametrize("statement", [update(Deal).values(notes="x"), delete(Deal)])
def test_a_persons_statement_is_not_sent_because_nobody_could_record_it(place: Place, statement: Any) -> None:
    asker = place.world.asker("user")
    with (
        pytest.raises(UnrecordedWrite),
        session(place.engine("app"), orm.actor(asker), write=True) as unit,
    ):
        unit.execute(statement)


def test_raw_sql_is_no_value(place: Place) -> None:
    def smuggle(unit: Session) -> None:
        deal = unit.scalars(select(Deal)).first()
        assert deal is not None
        deal.notes = text("(SELECT max(notes) FROM deals)")  # type: ignore[assignment]
        unit.flush()

    with pytest.raises(Denied, match="raw SQL"):
        tried(place, "user", smuggle)
    with pytest.raises(Denied, match="raw SQL"):
        new = Deal(user_id=identity("user"), client_name=text("(SELECT max(notes) FROM deals)"), value=1)
        tried(place, "user", lambda unit: unit.add(new) or unit.flush())


def test_a_value_made_by_the_database_is_looked_at_when_it_is_there(place: Place) -> None:
    """`becomes` asks for a value, not for how it is written."""
    key = place.world.one("support_tickets", "user", "open").values["id"]

    def write(unit: Session) -> None:
        ticket = unit.get_one(SupportTicket, key)
        ticket.status = func.lower("RESOLVED")  # type: ignore[assignment]
        unit.flush()

    with pytest.raises(Denied):
        tried(place, "user", write)


# --- forged objects -----------------------------------------------------------------------------------


def test_merging_onto_anothers_row_changes_nothing(place: Place) -> None:
    with pytest.raises((Denied, IntegrityError)):
        mine = Deal(id=anothers(place), user_id=identity("user"), client_name="mine now", value=1)
        tried(place, "user", lambda unit: unit.merge(mine) and unit.flush())


def test_a_child_does_not_move_under_anothers_parent(place: Place) -> None:
    under = DealActivity(deal_id=anothers(place), user_id=identity("user"), activity_type="note")
    with pytest.raises(Denied):
        tried(place, "user", lambda unit: unit.add(under) or unit.flush())


def test_what_was_refused_and_caught_is_not_stored_by_a_later_commit(place: Place) -> None:
    asker = place.world.asker("user")
    deal = place.world.one("deals", "user").values["id"]
    with session(place.engine("app"), orm.actor(asker), write=True) as unit:
        unit.get_one(Deal, deal).user_id = identity("spare")
        with pytest.raises(Denied):
            unit.flush()
        unit.rollback()
        assert unit.get_one(Deal, deal).user_id == identity("user")
        unit.expunge_all()
    with session(place.engine("app"), orm.actor(asker)) as unit:
        assert unit.get_one(Deal, deal).user_id == identity("user")


def test_a_savepoint_is_no_way_around(place: Place) -> None:
    deal = place.world.one("deals", "user").values["id"]

    def write(unit: Session) -> Any:
        with pytest.raises(Denied), unit.begin_nested():
            unit.get_one(Deal, deal).user_id = identity("spare")
        return unit.scalar(select(Deal.user_id).where(Deal.id == deal))

    assert tried(place, "user", write) == identity("user")


def test_taking_an_owner_away_is_a_change_of_owner(place: Place) -> None:
    def write(unit: Session) -> None:
        deal = unit.scalars(select(Deal)).first()
        assert deal is not None
        deal.user_id = null()  # type: ignore[assignment]
        unit.flush()

    with pytest.raises(Denied):
        tried(place, "user", write)
