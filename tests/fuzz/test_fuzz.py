"""A seeded thousand of hostile requests, at least one through every part of every door (`make fuzz` sends more)."""

from collections.abc import Iterator
from typing import Any

import dash
import pytest

from auth import callback_bodies
from pages import _view
from pages._timing import REPORTED
from tests.fuzz import oracles
from tests.fuzz.doors import callback_call, dependencies, discover
from tests.fuzz.nasty import MARK, PWNED, component, in_json, in_query
from tests.fuzz.run import run
from tests.fuzz.world import Call, World, world

THOUSAND = 1000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("fuzz")) as made:
        yield made


def test_a_thousand_hostile_requests_break_nothing(made: World) -> None:
    """Through every door; `make fuzz` goes through every part of each as well."""
    report = run(made, THOUSAND, 0, is_sample=True)
    print(f"\n{report}")
    assert not report.failures, "\n".join(map(str, report.failures))
    assert report.cases >= THOUSAND and len(report.tried) == report.parts


def test_every_form_callback_page_and_address_is_a_door(made: World) -> None:
    doors, found = discover(made)
    names = {door.name for door in doors}
    forms = {door.base.path for door in doors if door.kind == "form"}
    rules = made.app.server.url_map.iter_rules()
    posted = {
        rule.rule for rule in rules if "POST" in (rule.methods or ()) and not rule.rule.startswith("/_dash")
    }
    machines = {path for path in posted if path.startswith(("/api/", "/v1/"))}
    assert forms == posted - machines - {REPORTED}, (
        "somebody stands before each form (tests/fuzz/situations.py)"
    )
    answered = [output for output, entry in made.app.callback_map.items() if "callback" in entry]
    assert {f"callback {output}" for output in answered} <= names
    for output in answered:
        parts = next(door.fields for door in doors if door.name == f"callback {output}")
        declared = made.app.callback_map[output]
        assert sum(part.startswith("inputs ") for part in parts) == len(declared["inputs"])
        assert sum(part.startswith("state ") for part in parts) == len(declared["state"])
    pages = {entry.get("path_template") or entry["path"] for entry in dash.page_registry.values()}
    assert {f"page {path}" for path in pages} <= names
    assert {f"rule {rule.rule}" for rule in made.app.server.url_map.iter_rules()} <= names
    words = {
        "range",
        "lang",
        "theme",
        "zone",
        "search",
        "sort",
        "page",
        "list",
        "order",
        "view",
        "next",
        "before",
    }
    assert words <= found.words and found.proofs and len(found.addresses) > 100


def test_every_door_lets_through_what_is_well_meant(made: World) -> None:
    """Else the hostile values would all be stopped at the mat, and nothing behind it tried."""
    doors, _ = discover(made)
    for door in doors:
        if door.kind == "callback":
            call = Call(
                "POST",
                door.base.path,
                body=in_json(door.body),
                kind="application/json",
                headers=door.base.headers,
            )
            assert made.try_out(call).status in (200, 204), door.name
        if door.kind == "form":
            call = Call(
                "POST",
                door.base.path,
                body=in_query(door.form).encode(),
                kind=door.base.kind,
                who=door.base.who,
            )
            # A code of the second factor, or the name typed to close an account, cannot be known here; that it is asked
            # for is far enough. The last administrator may not go at all.
            asked = "code" in dict(door.form) or door.base.path == "/account/close"
            expected = (200, 302, 400, 409) if asked else (200, 302)
            assert made.try_out(call).status in expected, door.name


def test_the_database_is_as_before_after_each_case(made: World) -> None:
    doors, _ = discover(made)
    form = next(door for door in doors if door.name == "form /register (stranger)")
    call = Call("POST", "/register", body=in_query(form.form).encode(), kind=form.base.kind, who="stranger")
    for _ in range(2):
        answer = made.try_out(call)
        assert answer.status == 302 and {"auth_account", "profiles", "user_stats"} <= answer.changed


def test_a_door_without_its_gate_is_found(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback_bodies, "refusal", lambda callback_map: None)
    report = run(made, 60, 1, only="callback map-go.href")
    assert report.failures and all("tells of an error" in each.problem for each in report.failures)


def test_what_only_postgresql_refuses_is_seen(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_view, "_storable", lambda text: text)
    answer = made.try_out(Call("POST", "/login", query="next=/", who="stranger"))
    assert not answer.errors
    entry = next(each for each in dependencies(made) if each["output"].startswith("..agents-list"))
    answer = made.try_out(callback_call(made, entry, {"url.search": "?search=a%00b"}, "/agents"))
    assert "PostgreSQL would refuse" in answer.errors[0]


POLICY = "script-src 'self' 'sha256-x'"


@pytest.mark.parametrize(
    "page",
    [
        f"<p><{MARK}></p>",
        f"<p onclick='{PWNED}'></p>",
        f"<a href='javascript:{PWNED}'>x</a>",
        f"<a href=' java\tscript:{PWNED}'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        f"<script>{PWNED}</script>",
        "<script src='//evil.example/x.js'></script>",
        "<iframe srcdoc='x'></iframe>",
        "<form action='javascript:x'></form>",
    ],
)
def test_the_oracle_of_pages_sees(page: str) -> None:
    assert list(oracles.html_problems(page, POLICY))
    assert not list(
        oracles.html_problems("<p>&lt;zqx&gt;</p><a href='/x?y=javascript:'>javascript:</a>", POLICY)
    )


@pytest.mark.parametrize(
    "tree",
    [
        component("Iframe", srcDoc="x"),
        component("A", href=f"javascript:{PWNED}"),
        component("Link", href="//evil.example"),
        component("Div", children=[component("Markdown", dangerously_allow_html=True)]),
        component("Graph", figure={"data": [{"text": [f"<{MARK}>"]}], "layout": {}}),
        component("Graph", figure={"data": [{"name": "<a href='x'>y</a>"}], "layout": {}}),
        component("Graph", figure={"data": [], "layout": {"title": {"text": "%{customdata}"}}}),
        component("Dropdown", options=[{"value": "a", "label": "x__PROTO__y"}]),
        {"map-search": {"options": ["__proto__"]}},
        {"content": "name\n=1+1\n", "filename": "rows.CSV"},
    ],
)
def test_the_oracle_of_drawings_sees(tree: Any) -> None:
    assert list(oracles.json_problems({"response": {"x": {"children": tree}}}))
    harmless = component("Graph", figure={"data": [{"text": ["a<br>&lt;b&gt;"]}], "layout": {}}, href="/x")
    assert not list(oracles.json_problems(harmless))


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-x", "@SUM(1)", '"\t=1"', '"\r=1"'])
def test_the_oracle_of_csv_sees(cell: str) -> None:
    assert list(oracles.csv_problems(f"a,{cell}\n"))
    assert not list(oracles.csv_problems("a,-1,+2.5,'=1+1,-3 %,1e5\n"))
