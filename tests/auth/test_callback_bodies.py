"""A callback is asked for what it was declared with, in values of the kind its function takes, or it is not asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
from dash import ALL, MATCH, Dash, Input, Output, State, html
from flask import Flask
from sqlalchemy import Engine

import auth
from auth.callback_bodies import DEEPEST, fits
from auth.doors import SIGNED_IN, permitted
from settings import Settings
from tests.auth.conftest import Visitor

pytestmark = pytest.mark.databases("sqlite")
SAVE = "..form.children...go.href.."


@pytest.fixture
def visitor(settings: Settings, engine: Engine) -> Visitor:
    """Signed in to an application whose callbacks say what they take."""
    server = Flask("tests.auth.bodies", static_folder=None)
    auth.init_app(server, engine, settings)
    app = Dash("tests.auth.bodies", server=server, assets_folder="none", suppress_callback_exceptions=True)
    app.layout = html.Div()

    @app.callback(
        Output("form", "children"),
        Output("go", "href"),
        Input("form", "n_submit"),
        State("name", "value"),
        State("bio", "value"),
        State("url", "search"),
        State("url", "pathname"),
    )
    @permitted(SIGNED_IN)
    def save(_submitted: int | None, *given: str | None) -> tuple[str, str]:
        return " ".join(str(each) for each in given), "/"

    @app.callback(Output("list", "children"), Input({"kind": "end", "key": ALL}, "n_clicks"))
    @permitted(SIGNED_IN)
    def end(clicks: list[int | None]) -> str:
        return f"{len(clicks)} buttons"

    @app.callback(
        Output({"kind": "row", "key": MATCH}, "children"), Input({"kind": "end", "key": MATCH}, "n_clicks")
    )
    @permitted(SIGNED_IN)
    def one(_clicks: int | None) -> str:
        return "one"

    auth.attach_dash(app)
    visitor = Visitor(server.test_client())
    visitor.register("alice")
    visitor.get("/")
    return visitor


def part(told: Any, prop: str, value: Any = None) -> dict[str, Any]:
    return {"id": told, "property": prop, "value": value}


def saving(**more: Any) -> dict[str, Any]:
    """As the browser asks when the form is sent."""
    return {
        "output": SAVE,
        "outputs": [{"id": "form", "property": "children"}, {"id": "go", "property": "href"}],
        "inputs": [part("form", "n_submit", 1)],
        "state": [
            part("name", "value", "Ada"),
            part("bio", "value"),
            part("url", "search", "?lang=en"),
            part("url", "pathname", "/profile"),
        ],
        "changedPropIds": ["form.n_submit"],
    } | more


def ending(key: Any = "7", output: Any = "list", **more: Any) -> dict[str, Any]:
    told = {"kind": "end", "key": key}
    return {
        "output": "list.children",
        "outputs": {"id": output, "property": "children"},
        "inputs": [[part(told, "n_clicks", 1), part({"kind": "end", "key": "8"}, "n_clicks")]],
        "changedPropIds": ['{"key":"7","kind":"end"}.n_clicks'],
    } | more


def matching(key: Any = "7", row: Any = "7") -> dict[str, Any]:
    return {
        "output": '{"key":["MATCH"],"kind":"row"}.children',
        "outputs": {"id": {"kind": "row", "key": row}, "property": "children"},
        "inputs": [part({"kind": "end", "key": key}, "n_clicks", 1)],
        "changedPropIds": ['{"key":"7","kind":"end"}.n_clicks'],
    }


def ask(visitor: Visitor, **options: Any) -> Any:
    token = visitor.client.get_cookie("_csrf_token")
    assert token is not None
    return visitor.client.post("/_dash-update-component", headers={"X-CSRFToken": token.value}, **options)


@pytest.mark.parametrize(
    "body",
    [
        saving(),
        saving(changedPropIds=[]),
        saving(inputs=[part("form", "n_submit")]),
        ending(),
        ending(inputs=[[]], changedPropIds=[]),
        matching(),
        matching(key=7, row=7),
    ],
)
def test_what_the_browser_asks_is_answered(visitor: Visitor, body: dict[str, Any]) -> None:
    answer = ask(visitor, json=body)
    assert answer.status_code == 200, answer.text


def with_state(place: int, value: Any) -> dict[str, Any]:
    body = saving()
    body["state"][place]["value"] = value
    return body


STRANGE: dict[str, dict[str, Any]] = {
    "one part too few": saving(state=saving()["state"][:-1]),
    "one part too many": saving(inputs=[*saving()["inputs"], part("x", "y")]),
    "no list": saving(inputs={"0": part("form", "n_submit", 1)}),
    "another component": saving(inputs=[part("other", "n_submit", 1)]),
    "another property": saving(inputs=[part("form", "n_clicks", 1)]),
    "an object as id": saving(inputs=[part({"id": "form"}, "n_submit", 1)]),
    "a part that is none": saving(inputs=["form.n_submit"]),
    "no outputs": saving(outputs=None),
    "one output of two": saving(outputs=saving()["outputs"][:1]),
    "another output": saving(outputs=[*saving()["outputs"][:1], {"id": "url", "property": "href"}]),
    "an output that is none": saving(outputs=["form.children", "go.href"]),
    "a change of nothing": saving(changedPropIds=["other.value"]),
    "a change that is none": saving(changedPropIds=[{"id": "form"}]),
    "a change without end": saving(changedPropIds=['{"key":' * 50]),
    "changes that are no list": saving(changedPropIds="form.n_submit"),
    "a number for a text": with_state(0, 5),
    "a list for a text": with_state(1, ["x"]),
    "an object for a query": with_state(2, {"lang": "en"}),
    "a path from nowhere": with_state(3, "javascript:alert(1)"),
    "a path of two lines": with_state(3, "/crm/a\nb/c"),
    "a text for a count": saving(inputs=[part("form", "n_submit", "1")]),
    "true for a count": saving(inputs=[part("form", "n_submit", True)]),
    "an id of another kind": ending(key={"__proto__": 1}),
    "a single part for all": ending(inputs=[part({"kind": "end", "key": "7"}, "n_clicks", 1)]),
    "a text among counts": ending(inputs=[[part({"kind": "end", "key": "7"}, "n_clicks", "x")]]),
    "the output of another list": ending(output="form"),
    "an id of another shape": matching(row={"a": 1}),
}


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
def test_what_no_browser_asks_is_refused_in_words(visitor: Visitor, body: dict[str, Any]) -> None:
    answer = ask(visitor, json=body)
    assert answer.status_code == 400 and len(answer.get_json()["error"].split()) > 5


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"output":"x","inputs":' + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"}",
        b'{"output":"list.children","x":"\\ud800"}',
        b'{"output":"list.children","x":NaN}',
        b'{"output":"list.children","x":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
    ],
    ids=["endless", "deep", "half a character", "no number", "a huge number", "no text"],
)
def test_what_is_no_strict_json_is_refused(visitor: Visitor, data: bytes) -> None:
    answer = ask(visitor, data=data, content_type="application/json")
    assert answer.status_code in (400, 413) and answer.get_json()["error"]


@pytest.mark.parametrize(
    ("value", "kind", "fit"),
    [
        ("x", str, True),
        (None, str, False),
        (None, str | None, True),
        (True, int, False),
        (1, float, True),
        (True, bool, True),
        (["x", 1], list[str], False),
        (["x"], Sequence[str], True),
        ([["x"]], list[list[str]], True),
        ({"a": 1}, dict[str, Any], True),
        ([], Mapping[str, Any], False),
        ("dark", Literal["dark", "light"], True),
        (["dark"], Literal["dark", "light"], False),
        ({"a": [1]}, Any, True),
        ("x", "something else", True),
    ],
)
def test_a_value_fits_what_an_annotation_says(value: Any, kind: Any, fit: bool) -> None:
    assert fits(value, kind) is fit
