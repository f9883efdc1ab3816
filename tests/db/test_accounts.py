"""Sign-up is one transaction; the databases' own indexes decide what is taken."""

import threading
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError

from db.base import uuid7
from db.models import AuthAccount, Profile, UserStats
from db.services import accounts
from db.services.account_fields import COMMON_PASSWORDS, LANGUAGES
from db.services.accounts import FieldErrors
from tests.sessions import session

HASH = "$argon2id$not-a-real-one"


def sign_up(engine: Engine, email: str, username: str, **more: Any) -> Profile:
    with session(engine, write=True) as unit:
        given = {"full_name": None, "password_hash": HASH} | more
        return accounts.register_account(unit, email=email, username=username, **given)


def counts(engine: Engine) -> tuple[int, ...]:
    with session(engine) as unit:
        tables = (AuthAccount, Profile, UserStats)
        return tuple(unit.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def test_sign_up_makes_account_profile_and_stats(engine: Engine) -> None:
    made = sign_up(engine, "Alice@Example.COM", "Alice", full_name="  Alice  ")
    with session(engine) as unit:
        account, profile, stats = unit.scalars(select(AuthAccount)).one(), *_person_rows(unit)
    assert account.email == "Alice@example.com"
    assert (profile.id, profile.auth_user_id, profile.role) == (made.id, account.id, "user")
    assert (profile.username, profile.full_name) == ("Alice", "Alice")
    assert (stats.user_id, stats.xp_points, stats.level) == (profile.id, 0, 1)


def _person_rows(unit: Any) -> tuple[Profile, UserStats]:
    return unit.scalars(select(Profile)).one(), unit.scalars(select(UserStats)).one()


@pytest.mark.parametrize("table", ["profiles", "user_stats"])
def test_a_failing_step_leaves_nothing(engine: Engine, table: str) -> None:
    """The step is made to fail inside the database."""
    _refuse_rows(engine, table)
    with pytest.raises(IntegrityError):
        sign_up(engine, "alice@example.com", "alice")
    assert counts(engine) == (0, 0, 0)


def _refuse_rows(engine: Engine, table: str) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                f"CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (false) NOT VALID")


def test_taken_address_and_name_are_told_by_field_whatever_the_case(engine: Engine) -> None:
    sign_up(engine, "alice@example.com", "alice")
    for email, username, field in [
        ("ALICE@example.com", "other", "email"),
        ("other@example.com", "ALICE", "username"),
    ]:
        with pytest.raises(FieldErrors) as refused:
            sign_up(engine, email, username)
        assert list(refused.value.errors) == [field]
    assert counts(engine) == (1, 1, 1)


def test_forty_sign_ups_at_once(engine: Engine) -> None:
    """12 on one address, 12 on one name, 6 that crash mid-way, 10 good ones: who wins is open, how many is not."""
    people = [(f"{'Same' if n % 2 else 'same'}@example.com", f"address{n}", False) for n in range(12)]
    people += [(f"name{n}@example.com", "Same" if n % 2 else "same", False) for n in range(12)]
    people += [(f"crash{n}@example.com", f"crash{n}", True) for n in range(6)]
    people += [(f"good{n}@example.com", f"good{n}", False) for n in range(10)]
    outcomes: list[str] = []
    start = threading.Barrier(len(people))

    def run(email: str, username: str, crash: bool) -> None:
        start.wait()
        try:
            with session(engine, write=True) as unit:
                accounts.register_account(
                    unit, email=email, username=username, full_name=None, password_hash=HASH
                )
                if crash:
                    raise RuntimeError
            outcomes.append("made")
        except FieldErrors as refused:
            outcomes.append(next(iter(refused.errors)))
        except RuntimeError:
            outcomes.append("crashed")

    threads = [threading.Thread(target=run, args=person) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"made": 12, "email": 11, "username": 11, "crashed": 6}
    assert counts(engine) == (12, 12, 12)


@pytest.mark.databases("postgresql")
def test_accounts_made_by_other_means_get_a_profile_and_stats(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO auth_account (email, password_hash) VALUES ('raw@example.com', 'x')")
        )
    with session(engine) as unit:
        profile, stats = _person_rows(unit)
    assert (profile.role, stats.xp_points, stats.level) == ("user", 0, 1)
    assert stats.user_id == profile.id


def test_the_back_stop_doubles_nothing(engine: Engine) -> None:
    """On PostgreSQL the trigger fires at commit, after the profile with the chosen name is there."""
    sign_up(engine, "alice@example.com", "alice")
    assert counts(engine) == (1, 1, 1)
    with session(engine) as unit:
        assert unit.scalars(select(Profile.username)).all() == ["alice"]


@pytest.mark.parametrize("login", ["alice@example.com", "ALICE@EXAMPLE.COM", "alice", " Alice "])
def test_people_are_found_by_address_or_name(engine: Engine, login: str) -> None:
    sign_up(engine, "Alice@example.com", "alice")
    with session(engine) as unit:
        found = accounts.find_for_sign_in(unit, login)
    assert found is not None and found.person.username == "alice" and found.password_hash == HASH


@pytest.mark.parametrize(
    "login", ["", "bob", "alice@", "%", "a\x00b", "\ud800", "x" * 1_000_000, "' OR 1=1 --"]
)
def test_nobody_is_found_by_anything_else(engine: Engine, login: str) -> None:
    sign_up(engine, "alice@example.com", "alice")
    with session(engine) as unit:
        assert accounts.find_for_sign_in(unit, login) is None


def test_one_changes_ones_own_profile_and_nothing_else_of_it(engine: Engine) -> None:
    made = sign_up(engine, "alice@example.com", "alice", full_name="Alice")
    with session(engine, write=True) as unit:
        accounts.update_own_profile(unit, made.id, bio="Two\r\nlines", language="pt-BR", zone="UTC")
    with session(engine, write=True) as unit:
        accounts.update_own_profile(unit, made.id, full_name="", theme="light")
    with session(engine) as unit:
        profile = unit.get_one(Profile, made.id)
    assert (profile.full_name, profile.bio, profile.role) == (None, "Two\nlines", "user")
    assert profile.preferences == {"language": "pt-BR", "zone": "UTC", "theme": "light"}


@pytest.mark.parametrize("field", ["role", "auth_user_id", "id", "preferences", "username", "__proto__"])
def test_no_role_is_given_to_oneself(engine: Engine, field: str) -> None:
    made = sign_up(engine, "alice@example.com", "alice")
    with pytest.raises(TypeError, match=field), session(engine, write=True) as unit:
        accounts.update_own_profile(unit, made.id, **{field: "admin"})
    with session(engine) as unit:
        assert unit.get_one(Profile, made.id).role == "user"


def test_a_profile_that_is_gone_is_said(engine: Engine) -> None:
    with pytest.raises(LookupError), session(engine, write=True) as unit:
        accounts.update_own_profile(unit, uuid7(), bio="x")


def test_all_refused_fields_are_told_together(engine: Engine) -> None:
    with pytest.raises(FieldErrors) as refused:
        sign_up(engine, "no address", "a b", full_name="x" * 1_000_000, role="root")
    assert sorted(refused.value.errors) == ["email", "full_name", "role", "username"]
    assert counts(engine) == (0, 0, 0)


@pytest.mark.parametrize(
    "given", ["a@example.com", " a@example.com ", "a+b@mail.example.com", "a@shop.local"]
)
def test_addresses_that_are_taken_as_such(given: str) -> None:
    assert accounts.clean(email=given)["email"] == given.strip()


@pytest.mark.parametrize(
    "given",
    ["", "a", "a@b", "@example.com", "a@@example.com", "a b@example.com", "a@example..com", "a\x00@x.com"],
)
def test_addresses_that_are_not(given: str) -> None:
    with pytest.raises(FieldErrors):
        accounts.clean(email=given)


@pytest.mark.parametrize("given", ["abc", "A.b_c-9", "x" * 32])
def test_user_names_that_are_taken_as_such(given: str) -> None:
    assert accounts.clean(username=given)["username"] == given


@pytest.mark.parametrize("given", ["ab", "x" * 33, "a b", "josé", "a/b", "abc\n\nd", "<b>"])
def test_user_names_that_are_not(given: str) -> None:
    with pytest.raises(FieldErrors):
        accounts.clean(username=given)


@pytest.mark.parametrize("given", ["        a", "çãé ñ 🐙🐙", "x y z " * 20, "with\x00null", "a" * 127 + "b"])
def test_passwords_may_hold_anything(given: str) -> None:
    assert accounts.clean(password=given)["password"] == given


@pytest.mark.parametrize("given", ["", "1234567", "x" * 129, "password", "SENHA123", "aaaaaaaaaa"])
def test_passwords_that_are_guessed_first_are_refused(given: str) -> None:
    with pytest.raises(FieldErrors):
        accounts.clean(password=given)


def test_a_password_is_not_ones_own_name() -> None:
    with pytest.raises(FieldErrors) as refused:
        accounts.clean(email="alice@example.com", username="alice_of_old", password="Alice_Of_Old")
    assert list(refused.value.errors) == ["password"]


@pytest.mark.parametrize("field", ["full_name", "company", "location"])
@pytest.mark.parametrize("given", ["a\x00b", "a\nb", "a\x1bb", "\ud800"])
def test_what_no_screen_shows_and_no_database_keeps_is_refused(field: str, given: str) -> None:
    with pytest.raises(FieldErrors):
        accounts.clean(**{field: given})


def test_the_languages_are_those_of_the_screen() -> None:
    import i18n

    assert LANGUAGES == i18n.LANGUAGES


def test_common_passwords_are_long_enough_to_matter() -> None:
    assert all(len(word) >= 8 and word == word.lower() for word in COMMON_PASSWORDS)
