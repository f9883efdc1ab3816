"""The audit log: a person's deed and its entry are there both or neither; nobody rewrites it; tampering is named."""

import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from db import recorder
from db.actor import NOBODY, OPERATOR, SYSTEM, Actor
from db.chain import FIRST, Entry, plain
from db.engine import Denied, make_engine, session
from db.models import AuditEntry, AuditHead, Deal, Profile, SocialTrend, UserSession
from db.recorder import UnrecordedWrite
from db.services import audit
from db.services.accounts import register_account, update_own_profile
from db.services.audit_heads import close_days
from db.services.credentials import change_password, change_role
from db.services.user_sessions import Origin, begin_session, end_sessions
from tests.audit import entries, ident, made_person, tampering, verified
from tests.databases import logins, written
from tests.sessions import session as unguarded

NOW = datetime(2026, 3, 1, 10, 0, 0, 5, tzinfo=UTC)
AT = {"address": "2001:db8::7", "user_agent": "Browser/1"}


@pytest.fixture
def alice(engine: Engine) -> Actor:
    return replace(made_person(engine), **AT)


def new_deal(engine: Engine, actor: Actor, **values: Any) -> UUID:
    with session(engine, actor, write=True) as unit:
        deal = Deal(user_id=actor.profile_id, client_name="Ada", **({"value": Decimal("10.25")} | values))
        unit.add(deal)
        unit.flush()
        return deal.id


# --- what a person writes -----------------------------------------------------------------------------------------


def test_every_change_by_a_person_is_recorded_with_old_and_new(engine: Engine, alice: Actor) -> None:
    key = new_deal(engine, alice)
    with session(engine, alice, write=True) as unit:
        deal = unit.get_one(Deal, key)
        deal.client_name, deal.value = "Grace", Decimal("11.50")
    with session(engine, alice, write=True) as unit:
        unit.delete(unit.get_one(Deal, key))
    made, changed, gone = entries(engine)
    assert [each.action for each in (made, changed, gone)] == ["INSERT", "UPDATE", "DELETE"]
    assert {(each.table_name, each.record_id, each.user_id) for each in (made, changed, gone)} == {
        ("deals", str(key), alice.profile_id)
    }
    assert {(str(each.ip_address), each.user_agent) for each in (made, changed, gone)} == {
        ("2001:db8::7", "Browser/1")
    }
    assert (
        made.old_data is None and made.new_data["client_name"] == "Ada" and made.new_data["value"] == "10.25"
    )
    assert changed.old_data == {"client_name": "Ada", "value": "10.25"}
    assert changed.new_data == {"client_name": "Grace", "value": "11.50"}
    assert gone.new_data is None and gone.old_data["client_name"] == "Grace"


def test_what_was_there_before_is_read_where_the_session_did_not_know_it(
    engine: Engine, alice: Actor
) -> None:
    key = new_deal(engine, alice)
    with session(engine, alice, write=True) as unit:
        deal = unit.get_one(Deal, key)
        unit.expire(deal)
        deal.client_name = "Grace"
        deal.value = Deal.value + 1
    changed = entries(engine)[-1]
    assert changed.old_data == {"client_name": "Ada", "value": "10.25"}
    assert changed.new_data == {"client_name": "Grace", "value": "11.25"}


def test_what_does_not_change_leaves_no_entry(engine: Engine, alice: Actor) -> None:
    key = new_deal(engine, alice)
    with session(engine, alice, write=True) as unit:
        unit.get_one(Deal, key).client_name = "Ada"
    assert len(entries(engine)) == 1


def test_what_is_rolled_back_was_not_done(engine: Engine, alice: Actor) -> None:
    with pytest.raises(RuntimeError), session(engine, alice, write=True) as unit:
        unit.add(Deal(user_id=alice.profile_id, value=1, client_name="Ada"))
        unit.flush()
        raise RuntimeError
    with session(engine, alice, write=True) as unit:
        unit.add(Deal(user_id=alice.profile_id, value=1, client_name="kept"))
        unit.flush()
        with unit.begin_nested():
            unit.add(Deal(user_id=alice.profile_id, value=1, client_name="kept too"))
        with pytest.raises(RuntimeError), unit.begin_nested():
            with unit.begin_nested():
                unit.add(Deal(user_id=alice.profile_id, value=1, client_name="dropped"))
            raise RuntimeError
    assert [each.new_data["client_name"] for each in entries(engine)] == ["kept", "kept too"]
    assert verified(engine)[1] == []


def test_warehouse_audit_events_are_never_dropped(
    engine: Engine, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr(recorder, "append", fails)
    with pytest.raises(RuntimeError, match="the log is full"):
        new_deal(engine, alice)
    with pytest.raises(RuntimeError), session(engine, OPERATOR, write=True) as unit:
        change_role(unit, alice.profile_id, "admin")  # type: ignore[arg-type]
    with unguarded(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Deal)) == 0
        assert unit.scalar(select(Profile.role)) == "user"


def test_a_change_that_the_database_refuses_to_log_does_not_happen(engine: Engine, alice: Actor) -> None:
    if engine.dialect.name == "postgresql":
        block = "ALTER TABLE audit_log ADD CONSTRAINT full_up CHECK (false) NOT VALID"
    else:
        block = "CREATE TRIGGER full_up BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'full'); END"
    with engine.begin() as connection:
        connection.execute(text(block))
    with pytest.raises(DatabaseError):
        new_deal(engine, alice)
    with unguarded(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Deal)) == 0


@pytest.mark.parametrize(
    "statement",
    [
        insert(Deal).values(client_name="x"),
        update(Deal).values(client_name="x"),
        delete(Deal),
        update(Deal.__table__).values(client_name="x"),
        text("UPDATE deals SET client_name = 'x'"),
        text("  delete from deals"),
        text("WITH gone AS (SELECT 1) DELETE FROM deals"),
        text("REPLACE INTO deals (id) VALUES ('x')"),
    ],
    ids=str,
)
def test_what_goes_past_the_rows_is_refused_to_a_person(engine: Engine, alice: Actor, statement: Any) -> None:
    new_deal(engine, alice)
    with pytest.raises((UnrecordedWrite, Denied)), session(engine, alice, write=True) as unit:
        unit.execute(statement)
    with pytest.raises((UnrecordedWrite, Denied)), session(engine, alice, write=True) as unit:
        unit.connection().execute(statement)
    with unguarded(engine) as unit:
        assert unit.scalars(select(Deal.client_name)).all() == ["Ada"]


def test_bulk_ways_past_the_flush_are_refused_to_a_person(engine: Engine, alice: Actor) -> None:
    with pytest.raises((UnrecordedWrite, Denied)), session(engine, alice, write=True) as unit:
        unit.bulk_save_objects([Deal(user_id=alice.profile_id, value=1, client_name="x")])
    with pytest.raises((UnrecordedWrite, Denied)), session(engine, alice, write=True) as unit:
        unit.bulk_insert_mappings(Deal.__mapper__, [{"client_name": "x"}])
    assert entries(engine) == []


def test_no_person_writes_in_the_log_itself(engine: Engine, alice: Actor) -> None:
    forged = AuditEntry(action="SELECT", table_name="x", seq=1, previous_hash="", row_hash="x")
    with pytest.raises((UnrecordedWrite, Denied)), session(engine, alice, write=True) as unit:
        unit.add(forged)


def test_secrets_never_reach_the_log(engine: Engine, alice: Actor) -> None:
    with session(engine, SYSTEM, write=True) as unit:
        assert alice.profile_id
        change_password(unit, alice.profile_id, "$argon2id$the-secret-hash")
    found = entries(engine)[-1]
    assert found.table_name == "auth_account"
    assert found.new_data == {"credential_version": 2, "left_out": ["password_hash"]}
    assert found.old_data == {"credential_version": 1}
    assert "the-secret" not in json.dumps([found.old_data, found.new_data])


# --- what services note -------------------------------------------------------------------------------------------


def test_warehouse_admin_flag_changes_are_logged(engine: Engine, alice: Actor) -> None:
    admin = made_person(engine, "root", "admin")
    assert alice.profile_id
    with session(engine, replace(OPERATOR, behalf=admin.profile_id, **AT), write=True) as unit:
        change_role(unit, alice.profile_id, "admin")
    found = next(each for each in entries(engine) if each.table_name == "profiles")
    assert (found.action, found.record_id) == ("UPDATE", str(alice.profile_id))
    assert (found.user_id, str(found.ip_address)) == (admin.profile_id, "2001:db8::7")
    assert (found.old_data, found.new_data) == ({"role": "user"}, {"role": "admin"})


def test_a_role_given_in_an_admins_own_session_is_logged_once(engine: Engine, alice: Actor) -> None:
    admin = made_person(engine, "root", "admin")
    with session(engine, admin, write=True) as unit:
        unit.get_one(Profile, alice.profile_id).role = "admin"
    (found,) = entries(engine)
    assert (found.user_id, found.old_data, found.new_data) == (
        admin.profile_id,
        {"role": "user"},
        {"role": "admin"},
    )


def test_sign_up_sign_in_and_ending_sessions_are_logged(engine: Engine) -> None:
    person = {"email": "bob@example.com", "username": "bob", "full_name": None, "password_hash": "h"}
    with session(engine, replace(SYSTEM, **AT), write=True) as unit:
        bob = register_account(unit, **person, by_themselves=True)  # type: ignore[arg-type]
        begin_session(unit, bob.id, Origin(), datetime.now(UTC), timedelta(hours=1))
    with session(engine, Actor.person(bob.id, "user"), write=True) as unit:
        assert end_sessions(unit, bob.id) == 1
        update_own_profile(unit, bob.id, company="Works", theme="light")
    found = [(each.action, each.table_name, each.user_id) for each in entries(engine)]
    assert found == [
        ("INSERT", "profiles", bob.id),
        ("LOGIN", "user_sessions", bob.id),
        ("UPDATE", "user_sessions", bob.id),
        ("UPDATE", "profiles", bob.id),
    ]
    assert [each.new_data for each in entries(engine) if each.table_name == "profiles"] == [
        {"role": "user", "left_out": ["username"]},
        {"left_out": ["company", "preferences"]},
    ], "what closing the account destroys is only named"


def test_the_systems_own_writes_are_not_logged_by_themselves(engine: Engine, alice: Actor) -> None:
    for actor in (SYSTEM, OPERATOR):
        with session(engine, actor, write=True) as unit:
            unit.add(SocialTrend(tag="a"))
            unit.flush()
    assert entries(engine) == []


def test_an_act_without_a_row_can_be_recorded(engine: Engine, alice: Actor) -> None:
    with session(engine, alice, write=True) as unit:
        audit.record(unit, audit.Act("EXPORT", "deals", new={"rows": 3}))
    (found,) = entries(engine)
    assert (found.action, found.user_id, found.new_data) == ("EXPORT", alice.profile_id, {"rows": 3})


# --- the chain ----------------------------------------------------------------------------------------------------


def test_the_text_of_an_entry_is_what_the_documentation_says() -> None:
    entry = Entry(
        seq=2,
        previous_hash="ab",
        id=UUID(int=1),
        user_id=None,
        action="UPDATE",
        table_name="deals",
        record_id="é\u2028\U0001f600",
        old_data=None,
        new_data={"b": [1, True, None], "a": 'say "hi"\n', "\U0001f600": 1, "\ufb01": 2},
        ip_address="2001:0DB8::0007",
        user_agent=None,
        created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    )
    said = (
        '{"action":"UPDATE","created_at":"2026-01-02T03:04:05.000006Z","id":"00000000-0000-0000-0000-000000000001",'
        '"ip_address":"2001:db8::7","new_data":{"a":"say \\"hi\\"\\n","b":[1,true,null],"\U0001f600":1,"\ufb01":2},'
        '"old_data":null,"previous_hash":"ab","record_id":"é\u2028\U0001f600","seq":2,"table_name":"deals",'
        '"user_agent":null,"user_id":null}'
    )
    assert entry.text == said
    assert entry.row_hash == sha256(said.encode()).hexdigest()


def test_the_first_entry_follows_nothing_and_the_rest_each_other(engine: Engine, alice: Actor) -> None:
    for _ in range(3):
        new_deal(engine, alice)
    found = entries(engine)
    assert [each.seq for each in found] == [1, 2, 3]
    assert [each.previous_hash for each in found] == [FIRST, found[0].row_hash, found[1].row_hash]
    assert found[0].created_at <= found[1].created_at <= found[2].created_at  # type: ignore[operator]
    verdict, said = verified(engine)
    assert (verdict.entries, verdict.first, verdict.last, said) == (3, 1, 3, [])


AWKWARD = {
    "text": "a\0b \ud800 é \u2028 \U0001f600 \\ \" '",
    "numbers": [0, -1, 2**53 - 1, 2**53, 10**40, 1.5, float("nan"), 1e300, Decimal("1.10")],
    "times": [NOW, date(2026, 1, 2), NOW.replace(tzinfo=None)],
    "others": (uuid4(), b"abc", {1: {"": None}}, {3}, True, False, None, [], {}, object()),
    "z" * 5000: "x" * 100_000,
}


def test_awkward_values_come_back_as_they_were_hashed(engine: Engine) -> None:
    odd = Actor(SYSTEM.kind, address="::ffff:10.0.0.1", user_agent="a\0\ud800é")
    for address in (None, "10.0.0.1", "2001:db8::1", "::1.2.3.4", "fe80::1"):
        with session(engine, replace(odd, address=address), write=True) as unit:
            audit.record(unit, audit.Act("EXPORT", "deals", "k\0", AWKWARD, {"a": [AWKWARD, 1]}))
    assert verified(engine)[1] == []
    for entry in entries(engine):
        assert entry.old_data == plain(AWKWARD)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_any_document_comes_back_as_it_was_hashed(engine: Engine) -> None:
    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(st.lists(JSON, min_size=1, max_size=4))
    def stored(documents: list[Any]) -> None:
        with session(engine, SYSTEM, write=True) as unit:
            for each in documents:
                audit.record(
                    unit,
                    audit.Act("EXPORT", "deals", None, {"a": each}, each if isinstance(each, dict) else None),
                )

    stored()
    verdict, said = verified(engine)
    assert verdict.entries >= 150 and said == []


def test_many_writers_at_once_leave_one_chain(engine: Engine, migrated_url: str) -> None:
    people = [made_person(engine, f"person{number}") for number in range(8)]
    begin, failed = threading.Barrier(8), []

    def write(person: Actor) -> None:
        own = make_engine(migrated_url)
        try:
            begin.wait()
            for number in range(25):
                with session(own, person, write=True) as unit:
                    unit.add(Deal(user_id=person.profile_id, value=1, client_name=f"{number}"))
        except Exception as error:
            failed.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=write, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [each.seq for each in entries(engine)] == list(range(1, 201))
    assert verified(engine)[1] == []
    with unguarded(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Deal)) == 200


def test_a_clock_put_back_keeps_the_order_of_times(
    engine: Engine, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_deal(engine, alice)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return NOW

    monkeypatch.setattr(recorder, "datetime", Earlier)
    new_deal(engine, alice)
    first, second = entries(engine)
    assert second.created_at == first.created_at


# --- append-only --------------------------------------------------------------------------------------------------

REWRITES = [
    "UPDATE audit_log SET action = 'SELECT'",
    "UPDATE audit_log SET action = 'SELECT' WHERE false",
    "DELETE FROM audit_log",
    "DELETE FROM audit_log WHERE seq = 1",
    "UPDATE audit_heads SET entries = 2",
    "DELETE FROM audit_heads",
]
ON_POSTGRESQL = [
    "TRUNCATE audit_log",
    "TRUNCATE audit_heads",
    "SET session_replication_role = replica; DELETE FROM audit_log",
    "INSERT INTO audit_heads SELECT * FROM audit_heads ON CONFLICT (day) DO UPDATE SET entries = 7",
]
ON_SQLITE = [
    "REPLACE INTO audit_log SELECT * FROM audit_log",
    "INSERT OR REPLACE INTO audit_heads SELECT * FROM audit_heads",
    "UPDATE OR REPLACE audit_log SET seq = 1",
]


@pytest.mark.parametrize("statement", [*REWRITES, *ON_POSTGRESQL, *ON_SQLITE])
def test_nobody_rewrites_the_log(engine: Engine, alice: Actor, statement: str) -> None:
    is_other = statement in (ON_SQLITE if engine.dialect.name == "postgresql" else ON_POSTGRESQL)
    if is_other or (engine.dialect.name == "sqlite" and "false" in statement):
        return  # words of the other database; SQLite asks its triggers row by row
    new_deal(engine, alice)
    new_deal(engine, alice)
    with session(engine, SYSTEM, write=True) as unit:
        assert len(close_days(unit, datetime.now(UTC) + timedelta(days=2))) == 1
    before = [vars(each) | {"_sa_instance_state": 0} for each in entries(engine)]
    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert [vars(each) | {"_sa_instance_state": 0} for each in entries(engine)] == before
    assert verified(engine)[1] == []


@pytest.mark.databases("postgresql")
def test_the_way_in_takes_only_what_follows_and_speaks_of_who_asks(engine: Engine, alice: Actor) -> None:
    new_deal(engine, alice)
    last = entries(engine)[-1]

    def entry(**changes: Any) -> str:
        told = {
            "seq": 2, "previous_hash": last.row_hash, "id": uuid4(), "user_id": alice.profile_id, "action": "EXPORT",
            "table_name": "deals", "record_id": None, "old_data": None, "new_data": None, "ip_address": None,
            "user_agent": None, "created_at": NOW,
        }  # fmt: skip
        return Entry(**(told | changes)).text

    def append(text_: str, person: object = "") -> None:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "SELECT set_config('quantum.profile_id', :me, true), set_config('quantum.kind', :kind, true)"
                ),
                {"me": str(person), "kind": "person" if person else "system"},
            )
            connection.execute(text("SELECT audit_append(:entry)"), {"entry": text_})

    for wrong in (entry(seq=3), entry(seq=1), entry(previous_hash="x"), entry(previous_hash="")):
        with pytest.raises(DatabaseError, match="does not follow"):
            append(wrong)
    for other in (uuid4(), None):
        with pytest.raises(DatabaseError, match="whoever asks"):
            append(entry(user_id=other), alice.profile_id)
    append(entry(), alice.profile_id)
    assert verified(engine)[1] == []


@pytest.mark.databases("postgresql")
def test_the_way_in_is_closed_to_whoever_was_not_let_in(engine: Engine) -> None:
    name = f"plain_{uuid4().hex[:8]}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {name}")
    try:
        for call in ("SELECT * FROM audit_head()", "SELECT audit_append('{}')"):
            with pytest.raises(DatabaseError, match="permission denied"), engine.begin() as connection:
                connection.exec_driver_sql(f"SET LOCAL ROLE {name}")
                connection.exec_driver_sql(call)
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP ROLE {name}")


@pytest.mark.databases("postgresql")
def test_a_persons_change_is_recorded_where_row_security_binds_everybody(
    engine: Engine, alice: Actor
) -> None:
    """The owner of the table is bound, too; the application's login may neither read nor write the log itself."""
    own = make_engine(logins(written(engine.url))["app"])
    try:
        new_deal(own, alice)
        for actor in (SYSTEM, NOBODY):
            with own.begin() as connection:
                connection.execute(
                    text("SELECT set_config('quantum.kind', :kind, true)"), {"kind": actor.kind}
                )
                assert connection.scalar(text("SELECT count(*) FROM audit_log")) == 0
        with pytest.raises(DatabaseError, match="nobody is asking"), own.begin() as connection:
            connection.execute(text("SELECT audit_append('{}')"))
        with pytest.raises(DatabaseError, match="permission denied"), own.begin() as connection:
            connection.execute(text("INSERT INTO audit_log (action) VALUES ('EXPORT')"))
        (found,) = entries(engine)
        assert (found.user_id, found.table_name) == (alice.profile_id, "deals")
        assert verified(engine)[1] == []
    finally:
        own.dispose()


# --- tampering is found and named ---------------------------------------------------------------------------------


@pytest.fixture
def ten(engine: Engine, alice: Actor) -> list[AuditEntry]:
    """Ten entries."""
    for number in range(10):
        with session(engine, alice, write=True) as unit:
            unit.add(Deal(user_id=alice.profile_id, value=1, client_name=f"client {number}"))
    found = entries(engine)
    assert verified(engine)[1] == []
    return found


def stands(entry: AuditEntry, seq: int | None = None) -> str:
    return f"entry {seq or entry.seq} ({entry.id})"


CHANGES = {
    "user_id": "NULL",
    "action": "'SELECT'",
    "table_name": "'deal'",
    "record_id": "'x'",
    "old_data": "'{}'",
    "new_data": "NULL",
    "ip_address": "'10.0.0.9'",
    "user_agent": "'x'",
    "created_at": "'2026-03-01 10:00:00.000000'",
    "previous_hash": "'x'",
    "row_hash": "'x'",
    "id": "'00000000000000000000000000000001'",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_column_is_found(engine: Engine, ten: list[AuditEntry], column: str) -> None:
    with tampering(engine) as owner:
        owner.execute(text(f"UPDATE audit_log SET {column} = {CHANGES[column]} WHERE seq = 4"))
    said = verified(engine)[1]
    changed = entries(engine)[3]
    assert said == [f"changed: {stands(changed)} does not fit its hash"]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("column", ["created_at", "user_id", "new_data", "ip_address"])
def test_what_cannot_even_be_read_is_found(engine: Engine, ten: list[AuditEntry], column: str) -> None:
    with tampering(engine) as owner:
        owner.execute(text(f"UPDATE audit_log SET {column} = 'garbage' WHERE seq = 4"))
    assert verified(engine)[1] == [f"changed: {stands(ten[3])} does not fit its hash"]


def forged(entry: AuditEntry, **changes: Any) -> dict[str, Any]:
    """A row that fits its own hash."""
    names = list(Entry.__dataclass_fields__)
    made = replace(Entry(**{name: getattr(entry, name) for name in names}), **changes)
    return vars(made) | {"row_hash": made.row_hash}


def test_an_entry_hashed_anew_is_found(engine: Engine, ten: list[AuditEntry]) -> None:
    with tampering(engine) as owner:
        owner.execute(
            update(AuditEntry).where(AuditEntry.seq == 4).values(**forged(ten[3], new_data={"nothing": True}))
        )
    assert verified(engine)[1] == [
        f"changed: {stands(ten[3])} is not what {stands(ten[4])} was chained to; one of the two was written anew"
    ]


def test_a_removed_row_is_found(engine: Engine, ten: list[AuditEntry]) -> None:
    with tampering(engine) as owner:
        owner.execute(delete(AuditEntry).where(AuditEntry.seq.in_([4, 7, 8])))
    assert verified(engine)[1] == [
        f"removed: 4, missing between {stands(ten[2])} and {stands(ten[4])}",
        f"removed: 7 to 8, missing between {stands(ten[5])} and {stands(ten[8])}",
    ]


def test_a_removed_beginning_is_found(engine: Engine, ten: list[AuditEntry]) -> None:
    with tampering(engine) as owner:
        owner.execute(delete(AuditEntry).where(AuditEntry.seq <= 2))
    assert verified(engine)[1] == [f"removed: 1 to 2, missing before {stands(ten[2])}"]


def renumber(engine: Engine, since: int, by: int, *, also: Any = None) -> None:
    """Move the entries after `since`, as somebody would who hides a hole or makes room."""
    with tampering(engine) as owner:
        if also is not None and by < 0:
            owner.execute(also)
        owner.execute(update(AuditEntry).where(AuditEntry.seq > since).values(seq=-AuditEntry.seq - by))
        owner.execute(update(AuditEntry).where(AuditEntry.seq < 0).values(seq=-AuditEntry.seq))
        if also is not None and by > 0:
            owner.execute(also)


def test_a_removed_row_is_found_although_the_rest_moved_up(engine: Engine, ten: list[AuditEntry]) -> None:
    renumber(engine, 4, -1, also=delete(AuditEntry).where(AuditEntry.seq == 4))
    said = verified(engine)[1]
    assert f"removed: the entry that stood between {stands(ten[2])} and {stands(ten[4], 4)}" in said
    moved = [
        f"moved: {stands(ten[number], number)} was written as entry {number + 1}" for number in range(4, 10)
    ]
    assert set(moved) < set(said) and len(said) == 7


def test_an_inserted_row_is_found(engine: Engine, ten: list[AuditEntry]) -> None:
    new = forged(ten[3], id=uuid4(), new_data={"never": "happened"})
    renumber(engine, 3, 1, also=insert(AuditEntry).values(**new))
    said = verified(engine)[1]
    assert f"inserted: entry 4 ({new['id']}) stands where {stands(ten[3], 5)} was written" in said
    moved = [
        f"moved: {stands(ten[number], number + 2)} was written as entry {number + 1}"
        for number in range(3, 10)
    ]
    assert set(moved) < set(said) and len(said) == 8


@pytest.mark.parametrize("seq", [0, -3, 14])
def test_a_row_inserted_outside_the_numbers_is_found(engine: Engine, ten: list[AuditEntry], seq: int) -> None:
    previous = ten[9].row_hash if seq > 0 else FIRST
    new = forged(ten[3], id=uuid4(), seq=seq, previous_hash=previous)
    with tampering(engine) as owner:
        owner.execute(insert(AuditEntry).values(**new))
    said = verified(engine)[1]
    assert any(each.startswith(f"inserted: entry {seq} ({new['id']})") for each in said), said


@pytest.mark.parametrize(("one", "other"), [(4, 5), (3, 8)])
def test_two_swapped_rows_are_found(engine: Engine, ten: list[AuditEntry], one: int, other: int) -> None:
    with tampering(engine) as owner:
        for before, after in ((one, -1), (other, one), (-1, other)):
            owner.execute(update(AuditEntry).where(AuditEntry.seq == before).values(seq=after))
    assert sorted(verified(engine)[1]) == sorted(
        [
            f"moved: {stands(ten[other - 1], one)} was written as entry {other}",
            f"moved: {stands(ten[one - 1], other)} was written as entry {one}",
        ]
    )


@pytest.mark.parametrize("kept", [7, 0])
def test_an_end_cut_off_is_found_by_the_day_heads(engine: Engine, ten: list[AuditEntry], kept: int) -> None:
    with session(engine, SYSTEM, write=True) as unit:
        (head,) = close_days(unit, datetime.now(UTC) + timedelta(days=2))
    with tampering(engine) as owner:
        owner.execute(delete(AuditEntry).where(AuditEntry.seq > kept))
    assert verified(engine)[1] == [
        f"cut off: entries {kept + 1} to 10 at the end; the head of {head.day} in the table names entry 10"
    ]


def test_a_changed_day_head_is_found(engine: Engine, ten: list[AuditEntry]) -> None:
    with session(engine, SYSTEM, write=True) as unit:
        (head,) = close_days(unit, datetime.now(UTC) + timedelta(days=2))
    with tampering(engine) as owner:
        owner.execute(update(AuditHead).values(entries=9))
    assert verified(engine)[1] == [
        f"heads: the table's do not add up before {head.day}: one was changed, removed or inserted"
    ]
    marks = [(1, head)]
    with tampering(engine) as owner:
        owner.execute(delete(AuditHead))
    assert verified(engine, marks)[1] == [
        f"heads: the table's head of {head.day} is not the one in line 1 of the file"
    ]


def test_a_log_written_anew_from_some_entry_on_is_found_by_the_marks(
    engine: Engine, ten: list[AuditEntry]
) -> None:
    """Somebody with the owner's rights hashes everything anew: the chain alone cannot tell."""
    with session(engine, SYSTEM, write=True) as unit:
        (head,) = close_days(unit, datetime.now(UTC) + timedelta(days=2))
    last = ten[2].row_hash
    with tampering(engine) as owner:
        for entry in ten[3:]:
            row = forged(entry, previous_hash=last, user_agent="another")
            owner.execute(update(AuditEntry).where(AuditEntry.seq == entry.seq).values(**row))
            last = row["row_hash"]
        owner.execute(update(AuditHead).values(row_hash=last))
    assert verified(engine)[1] == []
    said = verified(engine, [(3, head)])[1]
    assert said[0].startswith("changed: entry 10 has another hash, by the head of")
    assert len(said) == 2 and ident(engine, 10) == ten[9].id


def test_ended_sessions_are_told_one_by_one(engine: Engine, alice: Actor) -> None:
    assert alice.profile_id
    with session(engine, SYSTEM, write=True) as unit:
        for _ in range(3):
            begin_session(unit, alice.profile_id, Origin(), datetime.now(UTC), timedelta(hours=1))
    with session(engine, alice, write=True) as unit:
        assert end_sessions(unit, alice.profile_id) == 3
    told = [each.record_id for each in entries(engine) if each.action == "UPDATE"]
    with unguarded(engine) as unit:
        assert sorted(told) == sorted(map(str, unit.scalars(select(UserSession.id))))
