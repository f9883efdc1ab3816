"""`quantum db bootstrap`: from an administrator's address to a served application, on a server of its own.

Roles belong to a whole server, so these tests share none with others.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from app import create_app
from db.bootstrap import PARTS, SETTINGS, login_of
from db.engine import make_engine
from settings import load
from tests import postgres
from tests.access import raw
from tests.access.attempts import all_attempts
from tests.access.conftest import connect
from tests.access.judge import Asker
from tests.access.world import CAST, build
from tests.auth.conftest import Visitor
from tests.databases import written
from tests.otlp import request, span, write

Run = Callable[..., Result]
Settings = dict[str, str]
pytestmark = pytest.mark.databases("postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a new server's administrator."""
    try:
        started = postgres.start()
    except postgres.NoPostgres as error:
        pytest.skip(f"a PostgreSQL of its own: {error}")
    yield started.url
    started.stop()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `quantum ARGUMENTS` with these settings and no others."""
    from cli import quantum

    def command(*arguments: str, **settings: str) -> Result:
        without: dict[str, str | None] = {name: None for name in os.environ if name.startswith("QUANTUM_")}
        own = {"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(tmp_path / "var")}
        done = CliRunner().invoke(
            quantum, arguments, env=without | own | settings, input="violet harbour 47\n"
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return command


def printed(done: Result) -> Settings:
    """The settings that a command printed, as an environment takes them."""
    assert done.exit_code == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def asked(url: str, question: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect(url) as connection:
        return connection.execute(question.encode(), values).fetchall()


def administrator(server: str, name: str, rights: str) -> str:
    """Another login of the server, and its address."""
    with connect(server) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN {rights}".encode())
    return written(make_url(server).set(username=name))


def is_password_of(server: str, login: str, password: str) -> bool:
    """Whether the server keeps this very password (SCRAM, RFC 5803); asked so, since a test's server lets all in."""
    ((kept,),) = asked(server, "SELECT rolpassword FROM pg_authid WHERE rolname = %s", login)
    scheme, rounds, keys = kept.split("$")
    times, salt = rounds.split(":")
    assert scheme == "SCRAM-SHA-256"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(times))
    client = hmac.digest(salted, b"Client Key", "sha256")
    return base64.b64encode(hashlib.sha256(client).digest()).decode() == keys.split(":")[0]


# --- an ordinary login alone: before the groups are made on this server ---------------------------------


def test_one_ordinary_login_that_may_make_no_groups_is_bound_all_the_same(server: str, run: Run) -> None:
    owner = administrator(server, "alone", "NOCREATEROLE")
    with connect(server) as connection:
        connection.autocommit = True
        connection.execute(b"CREATE DATABASE alone OWNER alone")
    address = written(make_url(owner).set(database="alone"))
    migrated = run("migrate", QUANTUM_DATABASE_URL=address)
    assert migrated.exit_code == 0, migrated.stderr
    assert asked(server, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'quantum%%'") == [(0,)]
    assert asked(address, "SELECT count(*) FROM pg_policies WHERE 'public' = ANY (roles)")[0][0] > 200
    _signs_up(load({"QUANTUM_ENV": "test", "QUANTUM_DATABASE_URL": address}), run, address)

    everything = make_engine(written(make_url(server).set(database="alone")))
    world = build(everything)
    everything.dispose()
    with connect(address) as connection:
        for table in (
            "deals",
            "deal_activities",
            "support_tickets",
            "ticket_messages",
            "audit_log",
            "auth_account",
        ):
            for asker in [*(world.asker(name) for name in CAST), Asker("nobody said", "", "app")]:
                with raw.transaction(connection, asker) as cursor:
                    found = [str(each) for each, _ in raw.wrong(cursor, all_attempts(world, table, asker))]
                assert found == []


# --- the four logins --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(server: str) -> Settings:
    """The four settings of a database named quantum."""
    from db.bootstrap import bootstrap

    return bootstrap(server, "quantum")


def test_from_an_administrator_to_a_served_application(server: str, run: Run, tmp_path: Path) -> None:
    done = run("db", "bootstrap", server, "--database", "shop")
    found = printed(done)
    assert set(found) == set(SETTINGS.values())
    assert "quantum migrate" in done.stderr
    migrated = run("migrate", **found)
    assert "The database is at revision" in migrated.stdout
    assert "Seeded 139" in run("seed", **found).stdout
    spans = write(tmp_path / "a.jsonl", request(span(1), span(2, 1)))
    assert "stored 2 spans" in run("import", "otlp", str(spans), **found).stdout
    deals = tmp_path / "deals.csv"
    deals.write_text("client_name,value\nAda,12.50\nGrace,7\n")
    brought = run("import", "table", "deals", str(deals), **found)
    assert brought.exit_code == 0, brought.stderr
    _signs_up(load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(tmp_path), **found}), run, **found)
    assert run("verify", "audit", **found).exit_code == 0


def _signs_up(settings: Any, run: Run, address: str = "", **found: str) -> None:
    """Somebody signs up, signs in and opens pages that read as a person."""
    visitor = Visitor(create_app(settings).server.test_client())
    assert visitor.register("alice").status_code == 302
    for path in ("/", "/profile", "/crm"):
        assert visitor.get(path).status_code == 200, path
    person = run(
        "user", "create", "--email", "bob@example.com", "--username", "bob", "--role", "architect", "--password-stdin",
        **(found or {"QUANTUM_DATABASE_URL": address}),
    )  # fmt: skip
    assert person.exit_code == 0, person.stderr


def test_each_login_is_an_ordinary_one_of_its_group(server: str, made: Settings) -> None:
    for part, group in PARTS.items():
        rights = asked(
            server,
            "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = %s",
            login_of("quantum", part),
        )
        assert rights == [(True, False, False, False, False)]
        groups = asked(
            server,
            "SELECT r.rolname FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.roleid "
            "JOIN pg_roles AS l ON l.oid = m.member WHERE l.rolname = %s",
            login_of("quantum", part),
        )
        assert groups == ([(group,)] if group else [])


def test_what_is_printed_are_the_passwords(server: str, made: Settings) -> None:
    passwords = {part: str(make_url(made[name]).password) for part, name in SETTINGS.items()}
    assert len(set(passwords.values())) == 4
    for part, password in passwords.items():
        assert len(password) >= 32
        assert is_password_of(server, login_of("quantum", part), password)
        assert not is_password_of(server, login_of("quantum", part), password + "x")


def test_a_second_run_takes_nobodys_password_unasked(server: str, made: Settings, run: Run) -> None:
    again = run("db", "bootstrap", server, "--database", "quantum")
    assert again.exit_code == 1
    assert again.stdout == ""
    assert "--new-passwords" in again.stderr
    old = str(make_url(made["QUANTUM_DATABASE_URL"]).password)
    assert is_password_of(server, login_of("quantum", "app"), old)
    renewed = printed(run("db", "bootstrap", server, "--database", "quantum", "--new-passwords"))
    new = str(make_url(renewed["QUANTUM_DATABASE_URL"]).password)
    assert new != old
    assert is_password_of(server, login_of("quantum", "app"), new)
    assert not is_password_of(server, login_of("quantum", "app"), old)


def test_nobody_else_comes_into_the_database(server: str, made: Settings, run: Run) -> None:
    others = printed(run("db", "bootstrap", server, "--database", "neighbour"))
    stranger = administrator(server, "stranger", "")
    for address in (*others.values(), stranger):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(written(make_url(address).set(database="quantum")))


def test_only_the_owner_makes_anything_in_the_database(made: Settings) -> None:
    for name, address in made.items():
        with connect(address) as connection:
            if name == "QUANTUM_DATABASE_OWNER_URL":
                connection.execute(b"CREATE TABLE public.mine (id integer)")
                connection.rollback()
                continue
            for what in (
                "TABLE public.mine (id integer)",
                "TEMPORARY TABLE mine (id integer)",
                "SCHEMA mine",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"CREATE {what}".encode())
                connection.rollback()


def test_an_administrator_need_not_be_a_superuser(server: str, run: Run) -> None:
    manager = administrator(server, "manager", "CREATEROLE CREATEDB")
    # Groups that somebody else made on this server are handed out by whoever that somebody lets.
    with connect(server) as connection:
        for group in ("quantum_app", "quantum_staff", "quantum_system"):
            connection.execute(f"GRANT {group} TO manager WITH ADMIN OPTION".encode())
    found = printed(run("db", "bootstrap", manager, "--database", "managed"))
    assert run("migrate", **found).exit_code == 0
    assert "Seeded 139" in run("seed", **found).stdout


# --- what cannot be done is said ------------------------------------------------------------------------------


def test_a_login_that_may_make_none_is_told(server: str, run: Run) -> None:
    nobody = administrator(server, "nobody_special", "")
    done = run("db", "bootstrap", nobody, "--database", "never")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Use a login that may create roles" in done.stderr
    assert asked(server, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'never%%'") == [(0,)]


@pytest.mark.parametrize(
    ("address", "database", "said"),
    [
        ("sqlite:///somewhere.db", "quantum", "PostgreSQL only"),
        ("no address", "quantum", "cannot be read"),
        ("postgresql://a@localhost/postgres", "Bad-Name", "small letters"),
    ],
)
def test_what_is_no_administrators_address_is_said(run: Run, address: str, database: str, said: str) -> None:
    done = run("db", "bootstrap", address, "--database", database)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr


def test_a_login_outside_the_groups_is_told_before_it_serves(server: str, made: Settings, run: Run) -> None:
    assert run("migrate", **made).exit_code == 0
    with connect(server) as connection:
        connection.execute(b"CREATE ROLE outside LOGIN")
        connection.execute(b"GRANT CONNECT ON DATABASE quantum TO outside")
    outside = written(make_url(server).set(username="outside", database="quantum"))
    for name in ("QUANTUM_DATABASE_URL", "QUANTUM_DATABASE_SYSTEM_URL", "QUANTUM_DATABASE_STAFF_URL"):
        done = run("serve", QUANTUM_PORT="18999", **(made | {name: outside}))
        assert done.exit_code == 1
        assert "quantum db bootstrap" in done.stderr, done.stderr
