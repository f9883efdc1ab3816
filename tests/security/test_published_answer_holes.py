"""Published holes of products like this one, each closed here under its own name: what may be read, and how."""

import re
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from app import create_app
from auth.doors import SIGNED_IN, permitted
from auth.permissions import ROLES
from db.actor import SYSTEM, Actor
from db.engine import make_engine
from db.engine import session as guarded
from db.guard import Denied
from db.listing import LISTINGS
from db.models import AuthAccount, Deal
from db.policies import SECRET_COLUMNS
from settings import Settings
from tests.auth.test_doors import ASKED, callbacks, routes
from tests.reader import Reader, module_body, module_row, words
from tests.security.conftest import Becomes, Rows
from tests.sessions import session

HOSTILE = (
    "' OR '1'='1", "'; DROP TABLE deals; --", "\") OR (\"1\"=\"1", "1) UNION SELECT password_hash FROM auth_account --",
    "id, (SELECT password_hash FROM auth_account)", "-created_at; SELECT pg_sleep(5)", "%", "_", "\\", "x' AND 1=0 --",
)  # fmt: skip


# --- reading only ----------------------------------------------------------------------------------------------


def test_cve_2026_23984_reading_is_read_only_whatever_the_query_says(
    alice: Reader, becomes: Becomes, others: Rows, login: Any, engine: Engine
) -> None:
    """Not by looking at the text: PostgreSQL's transaction is read-only, SQLite's is never committed."""
    sly = ("WITH x AS (SELECT 1) UPDATE deals SET client_name = 'x'", "/* SELECT */ DELETE FROM deals")
    for query in sly:
        try:
            with guarded(engine, SYSTEM) as unit:
                unit.execute(text(query))
            assert engine.dialect.name == "sqlite"
        except DBAPIError as error:
            assert engine.dialect.name == "postgresql" and "read-only transaction" in str(error)
    with session(engine) as unit:
        assert unit.scalars(select(Deal.client_name)).all() == ["Kiln of Bob"]
    for role in ROLES:
        with pytest.raises(Denied), guarded(login(role), becomes(role), write=True) as unit:
            unit.execute(text("SELECT 1"))
    asked = {"key": "SELECT password_hash FROM auth_account", "window": "all"}
    said = alice.post("proof-body.children", {"proof-request.data": asked})
    assert said.status_code == 200 and "There is no measure called" in said.text


# Staff and people read through logins of their own on PostgreSQL, and through the program's rules on SQLite.
@pytest.mark.parametrize(("database_kind", "role"), [("postgresql", "admin"), ("sqlite", "user")])
def test_cve_2022_27479_no_word_of_the_address_is_sql(
    alice: Reader, becomes: Becomes, others: Rows, engine: Engine, role: str
) -> None:
    becomes(role)
    with session(engine) as unit:
        before = {
            name: unit.scalar(select(func.count()).select_from(each.model)) for name, each in LISTINGS.items()
        }
    for page in ("crm", "security", "finance"):
        plain = words(module_body(alice, page)["list"])
        for word in HOSTILE:
            spelled = quote(word)
            found = module_body(alice, page, f"?range=all&lang=en&search={spelled}")["list"]
            assert "Nothing matches" in words(found) or "could not be shown" not in words(found)
            if "OR" in word or "UNION" in word:
                assert "Nothing matches" in words(found) or role == "user", word
            for name in ("sort", "list", "page"):
                answer = module_body(alice, page, f"?range=all&lang=en&{name}={spelled}")
                assert count_of(words(answer["list"])) == count_of(plain), (page, name, word)
            filters = "&".join(f"{each.key}={spelled}" for each in LISTINGS[first(page)].filters)
            assert "Nothing matches" in words(
                module_body(alice, page, f"?lang=en&range={spelled}&{filters}")["list"]
            )
    assert alice.body("metrics", f"?range={quote(HOSTILE[1])}") is not None
    assert "could not be shown" not in str(alice.body("metrics", f"?range={quote(HOSTILE[0])}"))
    with session(engine) as unit:
        after = {
            name: unit.scalar(select(func.count()).select_from(each.model)) for name, each in LISTINGS.items()
        }
    assert {name for name in before if after[name] != before[name]} <= {"events"}, "refusals may be noted"


def first(page: str) -> str:
    return {"crm": "deals", "security": "events", "finance": "invoices"}[page]


def count_of(said: str) -> str:
    found = re.search(r"(\d+) rows?,", said)
    return found[1] if found else "0"


# --- what of a row ---------------------------------------------------------------------------------------------


@pytest.mark.databases("postgresql")
def test_cve_2020_1932_no_hash_is_in_any_answer(
    app: Dash, client: FlaskClient, alice: Reader, becomes: Becomes, others: Rows
) -> None:
    asked = 0
    for role in ROLES:
        becomes(role)
        answers = [alice.post(output, ASKED, []).text for output in callbacks(app)]
        for rule, _ in routes(app):
            if "GET" in (rule.methods or ()) and "<" not in rule.rule:
                answers.append(client.get(rule.rule).data.decode("utf-8", "replace"))
        for page, listing in (("api-access", "keys"), ("security", "people"), ("security", "sessions")):
            answers.append(str(module_body(alice, page, f"?range=all&lang=en&list={listing}")))
        answers += [str(module_row(alice, "api-access", "keys", others.ids["keys"]))]
        answers += [str(module_row(alice, "security", "people", others.bob))]
        for answer in answers:
            assert not [secret for secret in others.secrets if secret in answer], role
        asked += len(answers)
    print(f"\n{asked} answers looked through")


def test_cve_2022_31177_nothing_secret_can_be_searched_filtered_or_sorted_by(
    alice: Reader, becomes: Becomes, others: Rows
) -> None:
    secret = {column for columns in SECRET_COLUMNS.values() for column in columns}
    assert "key_hash" in secret
    apart = {"auth_account", "one_time_codes", "sign_in_limits", "second_factors", "recovery_codes"}
    for name, listing in LISTINGS.items():
        reached = [
            listing.order,
            *listing.search,
            *listing.filters,
            *(field.column for field in listing.fields),
        ]
        named = {str(getattr(each, "key", "")) for each in reached}
        assert not named & (secret | {"password_hash", "session_token"}), name
        assert listing.model.__tablename__ not in apart, name
    becomes("admin")
    every = count_of(words(module_body(alice, "api-access", "?lang=en&range=all&list=keys")["list"]))
    assert every == "4"
    for word in (
        "key_hash=hash+one",
        "sort=key_hash",
        "sort=-key_hash",
        "password_hash=x",
        "owner.password_hash=x",
    ):
        drawn = module_body(alice, "api-access", f"?lang=en&range=all&list=keys&{word}")
        assert count_of(words(drawn["list"])) == every, word
    drawn = module_body(alice, "api-access", "?lang=en&range=all&list=keys&search=hash+one")
    assert "Nothing matches" in words(drawn["list"])


def test_cve_2023_34110_a_database_error_prints_no_row(
    settings: Settings, engine: Engine, others: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither on the screen nor in the log, by whatever way the error comes out."""
    app = create_app(settings)
    system = make_engine(settings.database_system_url)

    def collide() -> str:
        with guarded(system, SYSTEM, write=True) as unit:
            taken = unit.scalars(select(AuthAccount.email).limit(1)).one()
            unit.add(AuthAccount(email=taken, password_hash="a hash nobody sees"))
            unit.flush()
        return "stored twice"

    app.server.add_url_rule("/collide", "collide", permitted(SIGNED_IN)(collide))
    alice = Reader(app.server.test_client())
    answer = alice.get("/collide?lang=en")
    assert answer.status_code == 500 and "report reference" in answer.text
    for told in (answer.text, caplog.text):
        assert "a hash nobody sees" not in told and "@example.com" not in told and "Failing row" not in told
    assert "IntegrityError" in caplog.text, "the log says what happened"
    for login in (
        system,
        engine,
    ):  # the second is bound by no row security, for which PostgreSQL hides rows itself
        row = {"id": uuid4().hex, "hash": "a hash nobody sees"}
        with pytest.raises(DBAPIError) as raised, guarded(login, SYSTEM, write=True) as unit:
            unit.execute(text("INSERT INTO auth_account (id, password_hash) VALUES (:id, :hash)"), row)
        assert "a hash nobody sees" not in f"{raised.value}{raised.value.orig}" and "email" in str(
            raised.value
        )
    system.dispose()


def test_a_refusal_of_the_database_is_a_sentence_with_403(
    settings: Settings, others: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(settings)
    login = make_engine(settings.database_url)

    def take() -> str:
        with guarded(login, Actor.person(uuid4(), "user"), write=True) as unit:
            unit.add(Deal(user_id=others.bob, client_name="Taken", status="lead", value="1"))
            unit.flush()
        return "taken"

    app.server.add_url_rule("/take", "take", permitted(SIGNED_IN)(take))
    app.server.add_url_rule("/api/take", "api_take", permitted(SIGNED_IN)(take))
    alice = Reader(app.server.test_client())
    page, program = alice.get("/take?lang=en"), alice.get("/api/take")
    assert page.status_code == program.status_code == 403
    assert "Your role does not include this." in page.text and program.json is not None
    assert "Seu papel não inclui isto." in alice.get("/take?lang=pt-BR").text
    for told in (page.text, program.text, caplog.text):
        assert "Taken" not in told and str(others.bob) not in told
    assert "deals" in caplog.text and "deals" not in page.text
    login.dispose()
