"""Layouts: no data in them, no argument from the address, and for whom a page is not, the page that says so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import dash
import plotly.utils
import pytest
from dash import Dash
from flask import g
from sqlalchemy import Engine, event

from auth import permissions
from auth.doors import SIGNED_IN, needed_by
from auth.people import SignedIn
from auth.permissions import Permission
from db.services.accounts import Person
from pages import _live
from pages._view import page
from tests import module_rows, module_rows_b
from tests.reader import Reader, words
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")
ROUTER = ".._pages_content.children..._pages_store.data.."
# Words that a layout, a view or a decorator could be waiting for.
HOSTILE = {
    "_need": "public", "needs": "public", "__permission__": "public", "permission": "public", "role": "admin",
    "path": "/profile", "draw": "1", "view": "x", "self": "x", "module": "finance", "listing": "people", "row": "1",
    "agent": "x", "pathname_": "/", "search_": "?x", "actor": "system",
}  # fmt: skip
QUERY = "?lang=en&" + "&".join(f"{name}={value}" for name, value in HOSTILE.items())


def written(component: Any) -> str:
    return json.dumps(component, cls=plotly.utils.PlotlyJSONEncoder)


@contextmanager
def visited(app: Dash, path: str, role: str = "admin") -> Iterator[None]:
    """A request in the name of somebody whom no database knows."""
    somebody = Person(
        uuid4(),
        uuid4(),
        "a@example.com",
        "a",
        None,
        role,
        is_active=True,
        credential_version=1,
        preferences={},
    )
    with app.server.test_request_context(path):
        g._login_user = SignedIn(somebody, uuid4())
        yield


def pages() -> list[tuple[str, Any]]:
    return [(entry["path"], entry["layout"]) for entry in dash.page_registry.values()]


def route(alice: Reader, path: str, search: str = "?lang=en") -> Any:
    return alice.post(ROUTER, {"_pages_location.pathname": path, "_pages_location.search": search})


def drawn(answer: Any) -> Any:
    return answer.get_json()["response"]["_pages_content"]["children"]


@pytest.fixture
def rows(engine: Engine) -> list[str]:
    """Rows in every module's tables; words that stand in them."""
    with session(engine, write=True) as unit:
        module_rows.support(unit)
        module_rows.social(unit)
        module_rows.gamification(unit)
        for fill in (module_rows_b.finance, module_rows_b.security, module_rows_b.api, module_rows_b.ai):
            fill(unit)
    return [
        "Printer on fire",
        "Night shift",
        "ceramics",
        "Refused for root",
        "bulb",
        "cats.csv",
        "ada",
        "grace",
    ]


def test_a_layout_asks_no_database_and_holds_no_row(app: Dash, rows: list[str]) -> None:
    asked: list[str] = []
    event.listen(Engine, "before_cursor_execute", note := lambda *told: asked.append(told[2]))
    try:
        for path, layout in [*pages(), ("/", _live.frame)]:
            with visited(app, f"{path}?lang=en"):
                text = written(layout())
            assert not asked, (path, asked)
            assert not [word for word in rows if f'"{word}"' in text or f" {word} " in text], path
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(pages()) > 20


def test_the_address_is_no_argument_of_a_layout(app: Dash) -> None:
    for path, layout in pages():
        with visited(app, f"{path}?lang=en"):
            assert written(layout(**HOSTILE)) == written(layout()), path


def test_no_word_of_the_address_opens_a_page(alice: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "HELD_BY", dict.fromkeys(Permission, frozenset()))
    closed = [path for path, layout in pages() if needed_by(layout) != SIGNED_IN]
    for path in closed:
        for search in ("?lang=en", QUERY):
            assert route(alice, path, search).status_code == 403, path
            assert alice.get(path + search).status_code == 403, path
    assert len(closed) > 10


def test_a_page_for_other_roles_says_so_by_whatever_way_one_comes(
    alice: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(permissions.HELD_BY, Permission.CRM_READ, frozenset({"admin"}))
    direct = alice.get("/crm?lang=en")
    assert direct.status_code == 403 and "<!DOCTYPE html>" in direct.text
    within = route(alice, "/crm")
    said = words(drawn(within))
    assert within.status_code == 403 and "You may not see this" in said and "To the overview" in said
    assert within.headers[_live.DRAWN] == "refused" and "crm-top" not in within.text
    assert "Seu papel não inclui esta página" in words(drawn(route(alice, "/crm", "?lang=pt-BR")))
    assert alice.get("/crm/deals/1").status_code == 403
    assert "/crm" not in str(alice.layout("/?lang=en")), "no entry in the menu either"
    assert alice.get("/finance").status_code == 200 == route(alice, "/finance").status_code


def test_a_page_must_say_what_it_needs() -> None:
    with pytest.raises(LookupError, match=r"auth/permissions\.py"):
        page("crm:raed")
