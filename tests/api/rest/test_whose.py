"""What a key shows is what its person sees, and no more; and each door asks for its own scope."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from dash import Dash
from sqlalchemy import Engine, delete

from auth.doors import needed_by
from auth.keys import ANY, KEYED, OR_PERSON
from auth.permissions import ROLES, allows
from db.actor import Actor
from db.engine import make_engine
from db.engine import session as own_session
from db.listing import LISTINGS, Wish, read_page
from db.metric import METRICS, Window
from db.models import Deal, RoleRequirement
from db.proof import as_json
from settings import Settings
from tests import module_rows, module_rows_b
from tests.api.rest.conftest import Programs
from tests.api.rest.program import FLEET, MODULES
from tests.owned_rows import own_a_row_everywhere
from tests.people import account_of
from tests.reader import Reader
from tests.sessions import session

ABOUT = {"agent": "shop", "caller": "shop", "callee": "till"}
BODIES = {"PUT": {"name": "x"}, "PATCH": {"name": "x"}, "POST": {}}


def doors_of(app: Dash) -> Iterator[tuple[str, str, str]]:
    """Method, path and scope of every route under /api/v1."""
    for rule in app.server.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/"):
            needs = needed_by(app.server.view_functions[rule.endpoint])
            assert needs and needs.startswith(KEYED), rule.rule
            path = re.sub(r"<key>", "spans.count", re.sub(r"<named:agent>", "shop", rule.rule))
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path.replace("<path:anything>", "nothing"), needs.removeprefix(KEYED)


def test_every_door_is_closed_without_a_key_and_without_its_scope(
    app: Dash, program: Programs, fleet: None
) -> None:
    doors = list(doors_of(app))
    assert len(doors) > 30
    nothing = program("admin", scopes=())
    for method, path, scope in doors:
        body = BODIES.get(method)
        assert app.server.test_client().open(path, method=method, json=body).status_code == 401, path
        answer = nothing.ask(method, path, json=body)
        if path.endswith("/heartbeat"):
            assert answer.status_code == 403
        elif scope in (ANY, OR_PERSON):
            assert answer.status_code in (200, 404), (method, path)
        else:
            assert answer.status_code == 403, (method, path)
            right = program("admin", scopes=(scope,)).ask(method, path, json=body)
            assert right.status_code == 200, (method, path, right.text)
            every_other = tuple({*FLEET, *MODULES, "ingest", "agent:till"} - {scope})
            assert program("admin", scopes=every_other).ask(method, path, json=body).status_code == 403


def test_one_scope_per_module_opens_something(app: Dash, program: Programs) -> None:
    opened = {scope for _, path, scope in doors_of(app) if "/modules/" in path}
    assert opened == set(MODULES)
    listed = program().read("/modules")["items"]
    assert {row["scope"] for row in listed} == set(MODULES)
    assert {row["href"] for row in listed} == {path for _, path, _ in doors_of(app) if "/modules/" in path}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_the_rows_its_pages_show(
    program: Programs, engine: Engine, settings: Settings, role: str
) -> None:
    """Rows of somebody else in every module, read by the key of each role and by the session its pages have."""
    me, other = program(role), program("user", "somebody")
    store_everything(engine, me.person, other.person)
    own = make_own_engine(engine, settings, role)
    shown = 0
    for listing in LISTINGS.values():
        path = f"/modules/{listing.needs.partition(':')[0]}/{listing.name}"
        if not allows(role, listing.needs):
            assert me.get(path).status_code == 403, path
            continue
        found = me.walk(
            f"{path}?limit=200"
        )  # first: asking is counted, and the counts are one of these lists
        with own_session(own, Actor.person(me.person, role)) as unit:
            wanted = read_page(unit, listing, Wish(size=200))
        assert sorted(row["id"] for row in found) == sorted(str(row["row_key"]) for row in wanted.rows), path
        shown += len(found)
    assert shown > (20 if role == "admin" else 3)


def test_the_key_of_one_person_never_shows_anothers_rows(program: Programs, engine: Engine) -> None:
    alice, bob = program("user", "alice"), program("user", "bob")
    with session(engine, write=True) as unit:
        unit.add_all(Deal(user_id=each.person, client_name=each.name, value=1) for each in (alice, bob))
    assert [row["client_name"] for row in alice.walk("/modules/crm/deals")] == ["alice"]
    assert [row["client_name"] for row in bob.walk("/modules/crm/deals")] == ["bob"]
    assert bob.read("/metrics/crm.open_deals")["value"] == alice.read("/metrics/crm.open_deals")["value"] == 1
    assert len(program("admin").walk("/modules/crm/deals")) == 2


def test_a_number_is_that_of_the_command_as_far_as_the_person_sees(
    program: Programs, fleet: None, engine: Engine, settings: Settings
) -> None:
    for role in ("admin", "user"):
        me = program(role)
        own = make_own_engine(engine, settings, role)
        known = {each["key"]: each for each in me.read("/metrics")["items"]}
        assert set(known) == {key for key, each in METRICS.items() if allows(role, each.needs)}
        for key, declared in METRICS.items():
            path = f"/metrics/{key}?window=90d"
            if not allows(role, declared.needs):
                assert me.get(path).status_code == 403, key
                continue
            subject = tuple(
                {"agent": "shop", "caller": "shop", "callee": "till"}.get(each, "x")
                for each in declared.subject
            )
            path += "".join(f"&{name}={value}" for name, value in zip(declared.subject, subject, strict=True))
            if declared.by_system:
                assert me.get(path).status_code == 200
                continue
            with own_session(own, Actor.person(me.person, role)) as unit:
                wanted = as_json(unit, key, Window.parse("90d"), subject)
            found = me.read(path)
            assert list(found) == list(wanted)
            for name in ("key", "title", "unit", "reason", "n", "interval", "sql", "tables"):
                assert found[name] == wanted[name], (key, name)
            assert (found["value"] is None) is (wanted["value"] is None), key
            if found["value"] is not None:  # one of them counts time itself
                assert (found["value"] is None) is (wanted["value"] is None), key
            if found["value"] is not None:  # one of them counts time itself
                assert found["value"] == pytest.approx(wanted["value"], rel=1e-6), key
            assert found["params"].keys() == wanted["params"].keys()


@pytest.mark.parametrize(
    ("path", "named", "words"),
    [
        ("/metrics/agent.spans", "agent", "say which"),
        ("/metrics/connection.calls?caller=shop", "callee", "say which"),
        ("/metrics/spans.count?agent=shop", "agent", "leave this out"),
    ],
)
def test_what_a_number_is_about_must_be_said(program: Programs, path: str, named: str, words: str) -> None:
    answer = program().get(path)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["name"] == named and words in error["detail"]


def test_there_is_no_such_number(program: Programs) -> None:
    assert program().get("/metrics/spans.cuont").status_code == 404


def test_a_person_reads_the_description_and_nothing_else_without_a_key(app: Dash, fleet: None) -> None:
    reader = Reader(app.server.test_client())
    assert reader.get("/api/v1/openapi.json").status_code == 200
    assert reader.get("/api/v1/agents").status_code == 401
    assert reader.get("/api/v1/nothing").status_code == 404, "there is nothing, whoever asks"
    assert reader.get("/api/v1/openapi.json?x=1").status_code == 422


def store_everything(engine: Engine, *people: UUID) -> None:
    """Rows in every module, and of each of these people a row in every table that holds rows of people."""
    with session(engine, write=True) as unit:
        for store in (module_rows.support, module_rows.social, module_rows.gamification):
            store(unit)
        for store in (module_rows_b.api, module_rows_b.security, module_rows_b.finance, module_rows_b.ai):
            store(unit)
    for person in people:
        with engine.begin() as connection:
            own_a_row_everywhere(connection, person, account_of(engine, person).id)
            connection.execute(
                delete(RoleRequirement)
            )  # one of a second factor, which would close everything


def make_own_engine(engine: Engine, settings: Settings, role: str) -> Engine:
    """The database as the pages of this role sign in to it."""
    return make_engine(settings.database_url if role == "user" else settings.database_staff_url)
