"""What is kept to be used again, in the process, by HTTP or in the browser, is nobody's number for somebody else."""

import re
from pathlib import Path

import pytest
from dash import Dash
from sqlalchemy import Engine

from db.models import Deal
from tests.administrator import as_role, profile_of
from tests.api.rest.program import Program, key_for
from tests.reader import Reader, elements, module_body, readings, words
from tests.sessions import session
from tests.test_house import product_files

ROOT = Path(__file__).resolve().parents[2]
# What is kept in the process, and why it is the same for everybody. Whoever adds one says so here.
KEPT = {
    "api/rest_desk.py": "the schemas of what programs send and get",
    "api/rest_modules.py": "the models of what programs ask of lists",
    "auth/passwords.py": "a hash to compare with where there is no account",
    "components/figures/style.py": "a figure's colours",
    "db/definition.py": "versions of definitions",
    "db/guard.py": "what names statements, without their values, that hold nothing forbidden to anybody",
    "db/proof.py": "what statements look like, without their values, for each kind and role apart",
    "db/queries/calls.py": "a statement without its rows",
    "db/queries/fleet_lists.py": "a statement without its rows",
    "db/queries/outcomes.py": "a statement without its rows",
    "db/queries/rolled.py": "a statement without its rows",
    "db/queries/spans.py": "a statement without its rows",
    "db/services/bulk.py": "columns of a table",
    "db/services/relatives.py": "a statement without its values",
    "db/services/rollup_rows.py": "statements without their rows",
    "db/services/rollup_shapes.py": "statements without their rows",
    "db/sight.py": "compiled statements without their values, for each kind and role apart",
    "i18n.py": "translations",
}
KEEPING = re.compile(
    r"@(?:functools\.)?(?:lru_)?cache\b|cached_property|LRUCache\(|flask_caching|diskcache|redis"
)
BROWSER = re.compile(r"localStorage|sessionStorage|indexedDB|\bcaches\.|serviceWorker")


@pytest.fixture
def people(app: Dash, engine: Engine) -> dict[str, Reader]:
    """Alice with three deals, Bob with one, each in a browser of their own, and Ada who sees all."""
    readers = {name: Reader(app.server.test_client(), name) for name in ("alice", "bob", "ada")}
    with session(engine, write=True) as unit:
        for name, many in (("alice", 3), ("bob", 1)):
            mine = profile_of(engine, name)
            unit.add_all([Deal(user_id=mine, client_name=f"Of {name} {n}", value=1) for n in range(many)])
    as_role(readers["ada"], engine, "admin", "ada")
    return readers


OWN = {"alice": "3", "bob": "1", "ada": "4"}


def shown(reader: Reader) -> str:
    return readings(module_body(reader, "crm")["top"])["crm.deals"]


def proven(reader: Reader, after: str = "") -> str:
    """What the drawer says of the number, or of the rows after some."""
    data = {"key": "crm.deals", "window": "all", "subject": [], "value": "0", "after": after}
    name = "proof-rows" if after else "proof-body"
    asked = "proof-page.data" if after else "proof-request.data"
    answer = reader.post(f"{name}.children", {asked: data})
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    return words(answer.get_json()["response"][name]["children"])


def test_no_cached_number_crosses_identities(app: Dash, engine: Engine, people: dict[str, Reader]) -> None:
    for name in ("ada", "alice", "bob", "alice", "ada", "bob", "bob", "ada"):
        reader = people[name]
        assert shown(reader) == OWN[name]
        said = proven(reader)
        for other in {"alice", "bob"} - {name}:
            assert (f"Of {other}" in said) is (name == "ada"), f"{name} reads rows of {other}"
    _no_tag_crosses(app, engine)
    _no_sign_out_leaves_numbers(people["ada"])


def _no_tag_crosses(app: Dash, engine: Engine) -> None:
    """Bob holds the tag of Alice's answer, as a shared proxy might; what he gets is his own, and whole."""
    client = app.server.test_client()
    path = "/metrics/crm.deals?window=all"
    programs = {}
    for name in ("alice", "bob"):
        person = profile_of(engine, name)
        programs[name] = Program(client, key_for(engine, person, None), person, name)
    tags = {name: program.get(path).headers["ETag"] for name, program in programs.items()}
    assert tags["alice"] != tags["bob"]
    for mine, other in (("alice", "bob"), ("bob", "alice")):
        answer = programs[mine].get(path, headers={"If-None-Match": tags[other]})
        assert answer.status_code == 200 and str(answer.get_json()["value"]) == OWN[mine]
        assert answer.headers["Cache-Control"] == "no-store"


def _no_sign_out_leaves_numbers(ada: Reader) -> None:
    """The same browser after a sign-out is a stranger's; then it is Carol's, who owns nothing."""
    token = ada.client.get_cookie("_csrf_token")
    assert token is not None
    assert ada.client.post("/logout", data={"csrf_token": token.value}).status_code == 302
    answer = ada.client.get("/crm?range=all")
    assert answer.status_code == 302 and "data-metric" not in answer.text
    assert shown(Reader(ada.client, "carol")) == "0"


def test_the_rows_after_some_are_the_reader_s_own(engine: Engine, people: dict[str, Reader]) -> None:
    """A cursor is signed for the person it was made for; another one's, or one written by hand, is refused."""
    mine = profile_of(engine, "ada")
    with session(engine, write=True) as unit:
        unit.add_all([Deal(user_id=mine, client_name=f"Of ada {n}", value=1) for n in range(30)])
    data = {"key": "crm.deals", "window": "all", "subject": [], "value": "34"}
    answer = people["ada"].post("proof-body.children", {"proof-request.data": data}).get_json()
    drawn = answer["response"]["proof-body"]["children"]
    (after,) = [
        each["props"]["data-proof-after"] for each in elements(drawn) if "data-proof-after" in each["props"]
    ]
    assert "Of " in proven(people["ada"], after)
    for reader, cursor in (
        (people["alice"], after),
        (people["ada"], after[:-1] + ("0" if after[-1] != "0" else "1")),
    ):
        said = proven(reader, cursor)
        assert "These rows cannot be found again" in said and "Of " not in said


def test_what_is_kept_in_the_process_is_known_and_nobody_s() -> None:
    keeping = {
        path.relative_to(ROOT).as_posix() for path in product_files() if KEEPING.search(path.read_text())
    }
    assert keeping == set(KEPT)


def test_the_browser_keeps_no_number() -> None:
    """What Dash keeps in the page goes with it; nothing is put where it would outlast a sign-out."""
    storing = [
        path.name for path in sorted((ROOT / "assets").glob("*.js")) if BROWSER.search(path.read_text())
    ]
    told = [path.name for path in product_files() if re.search(r"storage_type|persistence", path.read_text())]
    assert storing == [] and told == []
