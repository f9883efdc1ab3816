"""However a statement is put together, it reads what its actor sees: on SQLite by the compiler alone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    Select,
    Table,
    Text,
    case,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    true,
    union,
    union_all,
)
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, aliased, make_transient_to_detached
from sqlalchemy.orm.exc import ObjectDeletedError
from sqlalchemy.util import LRUCache

from db import guard
from db.engine import session
from db.guard import Denied
from db.models import Agent, ApiKey, Deal, DealActivity, Profile, ProfileCard, SupportTicket, TicketMessage
from tests.access import orm
from tests.access.conftest import Place

Ask = Callable[[Select[Any]], list[Any]]
BARE = Deal.__table__
OTHER, THIRD = aliased(Deal), aliased(Deal)
FOREIGN = Table("deals", MetaData(), Column("id", Text), Column("notes", Text))
OWN = 2  # deals of each person; the world holds seven times as many


def statements() -> dict[str, tuple[Select[Any] | Any, int]]:
    """Ways to count deals, and what somebody who sees two of them must find."""
    n = func.count
    both = union_all(select(Deal), select(Deal))
    inner = select(Deal.id).where(Deal.client_name.is_not(None))
    return {
        "the class": (select(n()).select_from(Deal), OWN),
        "a column": (select(n(Deal.id)), OWN),
        "an alias": (select(n(OTHER.id)), OWN),
        "two of it": (select(n(Deal.id)).where(OTHER.id.is_not(None)), OWN * OWN),
        "two in one function": (select(n(func.coalesce(Deal.notes, OTHER.notes))), OWN * OWN),
        "two in a case": (select(n(case((Deal.status == "", OTHER.notes), else_=OTHER.client_name))), OWN * OWN),
        "a join": (select(n()).select_from(Deal).join(OTHER, true()), OWN * OWN),
        "an outer join": (select(n(OTHER.id)).select_from(Agent).outerjoin(OTHER, Agent.id == "free-a"), OWN),
        "an outer join of itself": (select(n(OTHER.id)).select_from(Deal).outerjoin(OTHER, true()), OWN * OWN),
        "a subquery": (select(n()).select_from(inner.subquery()), OWN),
        "a subquery of one": (select(n()).select_from(select(inner.subquery()).subquery()), OWN),
        "a scalar subquery": (select(select(n(Deal.id)).scalar_subquery()), OWN),
        "beside a literal": (select(select(n(Deal.id)).scalar_subquery() + literal(0)), OWN),
        "in": (select(n(DealActivity.id)).where(DealActivity.deal_id.in_(inner)), 1),
        "in, bare": (select(n(Agent.id)).where(select(n(BARE.c.id)).scalar_subquery() == 14), 0),
        "exists": (select(n(Agent.id)).where(select(Deal.id).where(Deal.user_id != me("user")).exists()), 0),
        "a common table": (select(n()).select_from(inner.cte()), OWN),
        "a recursive one": (select(n()).select_from(inner.cte(recursive=True)), OWN),
        "a union": (select(n()).select_from(union(inner, select(THIRD.id)).subquery()), OWN),
        "a union of all": (select(n()).select_from(union_all(inner, select(THIRD.id)).subquery()), OWN * 2),
        "an alias of a union": (select(n()).select_from(aliased(Deal, both.subquery())), OWN * 2),
        "a window": (select(n()).select_from(select(func.row_number().over(order_by=Deal.id)).subquery()), OWN),
        "a bare table": (select(n()).select_from(BARE), OWN),
        "an alias of it": (select(n(BARE.alias().c.id)), OWN),
        "both": (select(n(Deal.id)).where(BARE.alias("b").c.id.is_not(None)), OWN * OWN),
        "a table by its name": (select(n(column("id"))).select_from(table("deals", column("id"))), OWN),
        "a table of other papers": (select(n(FOREIGN.c.id)), OWN),
        "the catalogue": (select(n()).select_from(table("sqlite_master")), 0),
    }  # fmt: skip


def me(name: str) -> UUID:
    from tests.access.world import identity

    return identity(name)


@pytest.fixture
def asked(place: Place) -> Ask:
    """Executes a statement as an ordinary person."""

    def ask(statement: Select[Any]) -> list[Any]:
        with session(place.engine("app"), orm.actor(place.world.asker("user"))) as unit:
            return list(unit.execute(statement).all())

    return ask


@pytest.mark.filterwarnings("ignore:SELECT statement has a cartesian product")
@pytest.mark.parametrize("how", [each for each in statements() if each != "the catalogue"])
def test_a_statement_counts_what_one_sees(asked: Ask, how: str) -> None:
    statement, seen = statements()[how]
    assert asked(statement) == [(seen,)]


@pytest.mark.databases("sqlite")
def test_a_table_that_no_rule_speaks_of_is_empty(asked: Ask) -> None:
    assert asked(statements()["the catalogue"][0]) == [(0,)]


def test_the_world_holds_more_than_one_sees(place: Place) -> None:
    with session(place.engine("system"), orm.actor(place.world.asker("system"))) as unit:
        assert unit.scalar(select(func.count(Deal.id))) == 14
    with session(place.engine("staff"), orm.actor(place.world.asker("strategist"))) as unit:
        assert unit.scalar(select(func.count(Deal.id))) == 14


RAW: dict[str, Any] = {
    "text": text("SELECT count(*) FROM deals"),
    "text in a where": select(Deal.id).where(text("1 = 1")),
    "text in an order": select(Deal.id).order_by(text("1")),
    "text for objects": select(Deal).from_statement(text("SELECT * FROM deals")),
    "text as a column": select(Deal.id, text("(SELECT count(*) FROM deals)")),
    "a literal that selects": select(literal_column("(SELECT count(*) FROM deals)")),
    "a prefix": select(Deal.id).prefix_with("(SELECT count(*) FROM deals), "),
    "a suffix": select(Deal.id).suffix_with("UNION SELECT id FROM deals"),
}


@pytest.mark.parametrize("how", RAW)
def test_raw_sql_of_a_person_is_refused(asked: Ask, how: str) -> None:
    with pytest.raises(Denied, match="raw SQL"):
        asked(RAW[how])


@pytest.mark.parametrize("how", RAW)
def test_what_was_found_harmless_lets_nothing_else_through(asked: Ask, how: str) -> None:
    for harmless in (select(Deal.id), select(literal_column("1")), select(Deal.id).where(Deal.notes == "x")):
        asked(harmless)
    for _ in range(2):
        with pytest.raises(Denied, match="raw SQL"):
            asked(RAW[how])


def test_a_statement_is_looked_through_once_whatever_its_values(
    asked: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(guard, "_HARMLESS", LRUCache(9))
    monkeypatch.setattr(guard, "_look_through", lambda actor, statement: seen.append(statement))
    for notes in ("x", "y"):
        asked(select(Deal.id).where(Deal.notes == notes))
    asked(select(Deal.id).where(Deal.notes != "x"))
    assert len(seen) == 2


@pytest.mark.parametrize(
    "way", ["connection", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"]
)
def test_a_persons_session_has_no_way_around(place: Place, way: str) -> None:
    with (
        session(place.engine("app"), orm.actor(place.world.asker("user"))) as unit,
        pytest.raises(Denied),
    ):
        getattr(unit, way)()


# --- one row ------------------------------------------------------------------------------------------


def on_anothers_deal(place: Place, work: Callable[[Session, Deal, UUID], Any]) -> Any:
    """Works with an object that claims to be another person's deal, as an ordinary person."""
    key = place.world.one("deals", "another").values["id"]
    with session(place.engine("app"), orm.actor(place.world.asker("user"))) as unit:
        made = Deal(id=key)
        make_transient_to_detached(made)
        return work(unit, made, key)


def test_anothers_row_is_not_got(place: Place) -> None:
    assert on_anothers_deal(place, lambda unit, made, key: unit.get(Deal, key)) is None


def test_a_forged_object_reads_nothing(place: Place) -> None:
    def read(unit: Session, made: Deal, key: UUID) -> Any:
        unit.add(made)
        return made.notes

    with pytest.raises(ObjectDeletedError):
        on_anothers_deal(place, read)


def test_a_forged_object_is_not_refreshed(place: Place) -> None:
    def read(unit: Session, made: Deal, key: UUID) -> None:
        unit.add(made)
        unit.refresh(made)

    with pytest.raises(InvalidRequestError):
        on_anothers_deal(place, read)


def test_merging_anothers_row_brings_nothing_of_it(place: Place) -> None:
    def read(unit: Session, made: Deal, key: UUID) -> Any:
        return unit.merge(Deal(id=key, user_id=me("user"), client_name="mine", value=1)).notes

    assert on_anothers_deal(place, read) is None


def test_one_session_after_the_other_reads_as_its_own_person(place: Place) -> None:
    """Compiled statements are kept: they may not keep anybody's name or role."""
    statement = select(Deal.user_id)
    people = ["user", "observer", "user", "strategist", "user", "architect", "admin", "user"]
    for name in people * 3:
        asker = place.world.asker(name)
        with session(place.engine(asker.login), orm.actor(asker)) as unit:
            found = set(unit.scalars(statement))
        assert (found == {me(name)}) is (name not in ("strategist", "admin")), name


def test_sessions_inside_each_other_read_each_as_their_own_person(place: Place) -> None:
    first, second = place.world.asker("user"), place.world.asker("observer")
    statement = select(Deal.user_id).distinct()
    with (
        session(place.engine("app"), orm.actor(first)) as outer,
        session(place.engine("staff"), orm.actor(second)) as inner,
    ):
        for _ in range(3):
            assert outer.scalars(statement).all() == [me("user")]
            assert inner.scalars(statement).all() == [me("observer")]


# --- columns ------------------------------------------------------------------------------------------

NAMED_KEY = aliased(ApiKey)
SECRETS: dict[str, Any] = {
    "the column": select(ApiKey.key_hash),
    "of an alias": select(NAMED_KEY.key_hash),
    "of a bare table": select(ApiKey.__table__.c.key_hash),
    "of an alias of it": select(ApiKey.__table__.alias().c.key_hash),
    "in a function": select(func.max(ApiKey.key_hash)),
    "out of a subquery": select(select(ApiKey).subquery().c.key_hash),
    "as an order": select(ApiKey.id).order_by(ApiKey.key_hash),
}


@pytest.mark.parametrize("how", SECRETS)
@pytest.mark.parametrize("name", ["user", "admin"])
def test_the_hash_of_a_key_is_read_by_nobody(place: Place, name: str, how: str) -> None:
    asker = place.world.asker(name)
    with (
        pytest.raises(Denied),
        session(place.engine(asker.login), orm.actor(asker)) as unit,
    ):
        unit.execute(SECRETS[how]).all()


CONDITIONS: dict[str, ColumnElement[bool]] = {
    "beginning": ApiKey.key_hash.startswith("a"),
    "comparison": ApiKey.key_hash > "a",
    "of an alias": NAMED_KEY.key_hash > "a",
}


@pytest.mark.parametrize("how", CONDITIONS)
def test_flask_appbuilder_2022_31177_no_filter_on_a_hash(place: Place, how: str) -> None:
    """CVE-2022-31177: password hashes were guessed letter by letter through a filter on their column."""
    with (
        pytest.raises(Denied),
        session(place.engine("app"), orm.actor(place.world.asker("user"))) as unit,
    ):
        unit.execute(select(func.count()).where(CONDITIONS[how])).all()


def test_a_key_comes_without_its_hash(place: Place) -> None:
    with session(place.engine("app"), orm.actor(place.world.asker("user"))) as unit:
        keys = unit.scalars(select(ApiKey)).all()
        assert len(keys) == 2
        assert all("key_hash" not in vars(key) for key in keys)
        with pytest.raises(Exception, match="key_hash|permission denied|not available"):
            _ = keys[0].key_hash


def test_others_are_known_by_their_card_alone(place: Place) -> None:
    with session(place.engine("app"), orm.actor(place.world.asker("user"))) as unit:
        assert unit.scalars(select(Profile.id)).all() == [me("user")]
        assert unit.scalar(select(func.count(ProfileCard.id))) == 7
    shown = {each.name for each in ProfileCard.__table__.columns}
    assert shown == {"id", "username", "full_name", "avatar_url", "role"}


def test_a_child_is_seen_with_its_parent_and_beside_it(asked: Ask) -> None:
    """The rule of the child looks into the parent's table, which the statement reads as well."""
    assert len(asked(select(DealActivity.id))) == 1
    joined = select(DealActivity.id, Deal.id).join(Deal, Deal.id == DealActivity.deal_id)
    assert len(asked(joined)) == 1
    aside = select(TicketMessage.is_internal).join(SupportTicket, SupportTicket.id == TicketMessage.ticket_id)
    assert sorted(asked(aside.where(SupportTicket.assigned_to.is_(None)))) == [(False,)]
    assert sorted(asked(aside.where(SupportTicket.assigned_to == me("user")))) == [(False,), (True,)]
