"""A stranger walks the whole application: every route, every callback, every file."""

import re
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from auth import public
from auth.doors import PUBLIC, needed_by

pytestmark = pytest.mark.databases("sqlite")
ROOT = Path(__file__).parent.parent.parent
DENIED = (302, 401)
# Open to everyone, and nothing else is.
OPEN = {("/login", "GET"), ("/register", "GET"), ("/health", "GET"), ("/_favicon.ico", "GET")}
# Open too: a forgotten password, and what links lead to. A link's own address only leads on to its form.
OPEN |= {("/forgot", "GET"), ("/reset", "GET"), ("/invite", "GET")}
LINKS = {("/reset/<token>", "GET"), ("/invite/<token>", "GET")}


def address(rule: Rule) -> str:
    """The rule's path with its variables filled."""
    return re.sub(r"<[^>]+>", "x", rule.rule)


def is_denied(answer: Any) -> bool:
    if answer.status_code == 302:
        return str(answer.location).startswith("/login")
    return answer.status_code == 401


def test_every_route_and_method(app: Dash, client: FlaskClient) -> None:
    opened = set()
    for rule in app.server.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if not is_denied(client.open(address(rule), method=method)):
                opened.add((rule.rule, method))
    forms = {
        (path, "POST") for path in ("/login", "/login/code", "/login/recovery", "/register", "/forgot")
    }  # they refuse what comes without a token
    behind_links = {("/reset", "POST"), ("/invite", "POST")}
    assert opened == OPEN | LINKS | forms | behind_links
    for path, method in forms:
        assert client.open(path, method=method).status_code == 400
    for path, method in behind_links:
        assert client.open(path, method=method).status_code == 404


def test_every_method_on_every_route(app: Dash, client: FlaskClient) -> None:
    """Also those a route does not know: the guard speaks before the router."""
    for rule in app.server.url_map.iter_rules():
        if needed_by(app.server.view_functions[rule.endpoint]) == PUBLIC:
            continue
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert is_denied(client.open(address(rule), method=method, json={})), (rule.rule, method)


def test_every_callback(app: Dash, client: FlaskClient) -> None:
    assert app.callback_map, "the application has no callbacks"
    for output in app.callback_map:
        answer = client.post("/_dash-update-component", json={"output": output, "inputs": []})
        assert answer.status_code == 401, output
        assert answer.json is not None and set(answer.json) == {"error", "sign_in"}


def test_every_page(app: Dash, client: FlaskClient) -> None:
    import dash

    assert dash.page_registry, "the application has no pages"
    for page in dash.page_registry.values():
        path = page["relative_path"]
        answer = client.get(path)
        assert answer.status_code == 302 and answer.location.startswith("/login?next="), path


def test_every_file(app: Dash, client: FlaskClient) -> None:
    files = sorted(path for path in (ROOT / "assets").rglob("*") if path.is_file())
    assert files
    for file in files:
        path = f"/assets/{file.relative_to(ROOT / 'assets').as_posix()}"
        assert client.get(path).status_code == (200 if path in public.PATHS else 401), path


def test_the_forms_show_nothing_of_the_application(app: Dash, client: FlaskClient) -> None:
    for path in ("/login", "/register", "/health"):
        page = client.get(path).text
        for secret in ("_dash-config", "_dash-layout", "callback", "data-metric"):
            assert secret not in page


def test_what_the_forms_ask_for_is_there_and_open(app: Dash, client: FlaskClient) -> None:
    for path in ("/login", "/register"):
        for link in re.findall(r'<link [^>]*href="([^"]+)"', client.get(path).text):
            assert client.get(link).status_code == 200, link
    for style in public.STYLES:
        folder = style.rpartition("/")[0]
        text = client.get(style).text
        for link in re.findall(r'url\("?(?!data:)([^")]+)"?\)', text):
            assert client.get(f"{folder}/{link}").status_code == 200, link
