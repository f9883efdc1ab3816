"""Closing an account: the person goes, what they did stays, and somebody always administers."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, text

from db.actor import SYSTEM, Actor
from db.base import Base
from db.engine import session as unit_of_work
from db.models import ApiKey, AuditEntry, Deal, Profile, UserSession, UserStats
from db.models.links import AccountLink, OutgoingMail
from db.queries.own_data import parts
from db.services import closing, links, outgoing_mail
from db.services.accounts import find_for_sign_in, register_account, update_own_profile
from db.services.closing import LastAdmin
from db.services.user_sessions import Origin, begin_session
from tests.owned_rows import own_a_row_everywhere
from tests.people import account_of, make_person, profile_of
from tests.sessions import session

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
# What closing takes away, or changes because it ends.
ENDED = (
    "account_links",
    "api_keys",
    "auth_account",
    "outgoing_mail",
    "profiles",
    "recovery_codes",
    "second_factors",
    "user_sessions",
)
UNUSABLE = "$argon2id$nobody knows"


def close(engine: Engine, who: UUID) -> None:
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        closing.close_account(unit, who, UNUSABLE)


def everything(engine: Engine) -> str:
    """Every value of every table."""
    with engine.connect() as connection:
        tables = Base.metadata.tables.values()
        rows = [row for table in tables for row in connection.execute(select(table))]
        return json.dumps([str(value) for row in rows for value in row])


def test_the_profile_names_nobody_and_stays(engine: Engine) -> None:
    who = make_person(engine, "alice", "strategist")
    with session(engine, write=True) as unit:
        given = {"bio": "I dance", "company": "Alsham", "location": "Recife", "language": "pt-BR"}
        update_own_profile(unit, who, **given).avatar_url = "https://example.com/alice.png"
        unit.add(Deal(user_id=who, client_name="A client", value=1))
    close(engine, who)
    left = profile_of(engine, who)
    told = (left.username, left.full_name, left.bio, left.company, left.location, left.avatar_url)
    assert told == (None,) * 6 and left.preferences == {} and left.role == "user"
    with session(engine) as unit:
        assert unit.scalars(select(Deal)).one().user_id == who
        assert unit.get(UserStats, who) is not None


def test_nobody_signs_in_with_it_and_address_and_name_are_free(engine: Engine) -> None:
    who = make_person(engine)
    close(engine, who)
    account = account_of(engine, who)
    assert (account.email, account.is_active) == (f"closed-{account.id}@invalid", False)
    assert (account.password_hash, account.credential_version) == (UNUSABLE, 2)
    with session(engine, write=True) as unit:
        for name in ("alice", "alice@example.com"):
            assert find_for_sign_in(unit, name) is None
        given: dict[str, Any] = {"email": "alice@example.com", "username": "alice", "full_name": None}
        assert register_account(unit, **given, password_hash="x").id != who


def test_sessions_links_keys_and_waiting_mail_end(engine: Engine) -> None:
    who = make_person(engine)
    with session(engine, write=True) as unit:
        begin_session(unit, who, Origin(), datetime.now(UTC), timedelta(hours=1))
        unit.add(ApiKey(user_id=who, key_name="k", key_hash="h", key_prefix="p"))
        made = links.issue_reset(unit, who, None, NOW)
        outgoing_mail.queue(unit, "reset", account_of(engine, who).id, "en", NOW)
    close(engine, who)
    with session(engine) as unit:
        assert [each.is_active for each in unit.scalars(select(UserSession))] == [False]
        assert [each.is_active for each in unit.scalars(select(ApiKey))] == [False]
        assert links.find_open(unit, links.RESET, links.digest(made.token), NOW) is None
        for table in (AccountLink, OutgoingMail):
            assert unit.scalar(select(func.count()).select_from(table)) == 0


def test_the_invitation_that_made_the_account_keeps_no_address(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        made = links.issue_invite(unit, "Bob@Example.com", "user", None, NOW)
        fields = {"username": "bob", "full_name": "Bob"}
        profile = links.redeem_invite(unit, links.digest(made.token), fields, "x", NOW)
        assert profile
    close(engine, profile.id)
    assert "bob" not in everything(engine).lower()


def test_what_people_said_of_themselves_survives_nowhere(engine: Engine) -> None:
    """Nor in the audit log, which is never rewritten: it tells that it changed, and when, but not what it was."""
    who = make_person(engine, "zacharias")
    said = {
        "full_name": "Zeno",
        "bio": "I fence",
        "company": "Zork",
        "location": "Zagreb",
        "zone": "Asia/Tokyo",
    }
    for given in (said, dict.fromkeys(said, "") | {"zone": "UTC"}, said):
        with unit_of_work(engine, Actor.person(who, "user"), write=True) as unit:
            update_own_profile(unit, who, **given)
    close(engine, who)
    left = everything(engine).lower()
    assert [word for word in ("zacharias", *said.values()) if word.lower() in left] == []
    with session(engine) as unit:
        acts = unit.scalars(
            select(AuditEntry).where(AuditEntry.table_name == "profiles").order_by(AuditEntry.seq)
        )
        changed = ["bio", "company", "full_name", "location", "preferences"]
        assert [each.new_data for each in acts] == [
            {"role": "user", "left_out": ["full_name", "username"]},
            *[{"left_out": changed}] * 3,
            {"closed": True, "role": "user"},
        ]


def test_nothing_else_is_rewritten(engine: Engine) -> None:
    """Rows the person owned, and the records of what was done, stay as they are."""
    who = make_person(engine)
    with engine.begin() as connection:
        own_a_row_everywhere(connection, who, account_of(engine, who).id)
    kept = {part.table for part in parts() if part.table.name not in ENDED}

    def rows() -> dict[str, list[tuple[Any, ...]]]:
        with engine.connect() as connection:
            return {each.name: [tuple(row) for row in connection.execute(select(each))] for each in kept}

    before = rows()
    assert before["audit_log"] and before["deals"]
    close(engine, who)
    after = rows()
    log, log_before = after.pop("audit_log"), before.pop("audit_log")
    assert after == before
    assert [row in log for row in log_before] == [True] * len(log_before)
    assert len(log) > len(log_before), "the closing itself is recorded"


def test_the_last_administrator_cannot_go(engine: Engine) -> None:
    root, second = make_person(engine, "root", "admin"), make_person(engine, "second", "admin")
    with session(engine, write=True) as unit:
        unit.execute(text("UPDATE auth_account SET is_active = false WHERE email = 'second@example.com'"))
    with pytest.raises(LastAdmin):
        close(engine, root)
    assert account_of(engine, root).is_active and profile_of(engine, root).username == "root"
    with session(engine, write=True) as unit:
        unit.execute(text("UPDATE auth_account SET is_active = true WHERE email = 'second@example.com'"))
    close(engine, root)
    with pytest.raises(LastAdmin):
        close(engine, second)


def test_the_last_two_cannot_both_go_at_once(engine: Engine) -> None:
    admins = [make_person(engine, f"root{number}", "admin") for number in range(4)]
    start, refused = threading.Barrier(4), []

    def run(who: UUID) -> None:
        start.wait()
        try:
            close(engine, who)
        except LastAdmin:
            refused.append(who)

    threads = [threading.Thread(target=run, args=(who,)) for who in admins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with session(engine) as unit:
        assert list(unit.scalars(select(Profile.id).where(Profile.role == "admin"))) == refused
    assert len(refused) == 1


def test_an_invitation_of_somebody_who_left_opens_nothing(engine: Engine) -> None:
    root = make_person(engine, "root", "admin")
    make_person(engine, "second", "admin")
    with session(engine, write=True) as unit:
        made = links.issue_invite(unit, "eve@example.com", "admin", root, NOW)
    close(engine, root)
    with session(engine) as unit:
        assert links.find_open(unit, links.INVITE, links.digest(made.token), NOW) is None


@pytest.mark.databases("sqlite")
def test_a_profile_that_is_gone_is_said_to_be(engine: Engine) -> None:
    with pytest.raises(LookupError):
        close(engine, UUID(int=1))
