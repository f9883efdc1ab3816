"""The frame round every page: language, theme and titles from the address, true 404s, errors as messages."""

import logging
from typing import Any

import dash
import pytest
from dash import Dash, Input, Output

from auth.doors import SIGNED_IN, needed_by, permitted
from auth.permissions import allows
from db.engine import DatabaseUnavailable
from db.services.accounts import update_own_profile
from tests.reader import Reader, elements, hrefs, words
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")

ROUTER = ".._pages_content.children..._pages_store.data.."


def prefers(alice: Reader, **preferences: str) -> None:
    engine = alice.client.application.config["QUANTUM_ENGINE"]
    from sqlalchemy import select

    from db.models import Profile

    with session(engine, write=True) as unit:
        update_own_profile(unit, unit.scalars(select(Profile.id)).one(), **preferences)


def route(alice: Reader, path: str, search: str = "", changed: list[str] | None = None) -> Any:
    given = {"_pages_location.pathname": path, "_pages_location.search": search}
    return alice.post(ROUTER, given, changed)


def drawn(alice: Reader, path: str, search: str = "") -> Any:
    return route(alice, path, search).get_json()["response"]["_pages_content"]["children"]


def test_the_shell_says_who_is_signed_in_and_where_to_go(alice: Reader) -> None:
    layout = alice.layout("/?lang=en")
    said = words(layout)
    assert "alice" in said and "Overview" in said and "Metrics" in said
    assert {"/", "/map", "/agents", "/metrics", "/profile"} <= set(hrefs(layout))


def test_the_shell_holds_every_id_the_pages_count_on(alice: Reader) -> None:
    ids = {each["props"].get("id") for each in elements(alice.layout())}
    assert {
        "url",
        "shell-refresh",
        "proof",
        "proof-body",
        "proof-request",
        "toasts",
        "shell-words",
        "_pages_content",
    } <= ids


@pytest.mark.parametrize(
    ("search", "word"), [("?lang=pt-BR", "Visão geral"), ("?lang=en", "Overview"), ("", "Overview")]
)
def test_the_shell_speaks_the_language_of_its_page(alice: Reader, search: str, word: str) -> None:
    assert word in words(alice.layout(f"/{search}"))


def test_the_document_says_language_and_theme(alice: Reader) -> None:
    assert '<html lang="pt-BR" data-bs-theme="light">' in alice.get("/?lang=pt-BR&theme=light").text
    assert '<html lang="en" data-bs-theme="dark">' in alice.get("/?lang=xx&theme=%22%3E%3Cscript%3E").text


def test_profile_then_cookie_then_browser_say_what_the_address_does_not(alice: Reader) -> None:
    assert '<html lang="pt-BR"' in alice.get("/", headers={"Accept-Language": "pt-BR,pt;q=0.9"}).text
    alice.client.set_cookie("theme", "light")
    assert 'data-bs-theme="light"' in alice.get("/").text
    prefers(alice, language="pt-BR", theme="dark")
    assert '<html lang="pt-BR" data-bs-theme="dark">' in alice.get("/").text
    assert '<html lang="en" data-bs-theme="light">' in alice.get("/?lang=en&theme=light").text


def test_moments_are_in_the_persons_zone_unless_the_switch_is_on(alice: Reader, fleet: None) -> None:
    assert "UTC−3" in words(alice.body("overview", "?range=all"))
    prefers(alice, zone="Asia/Tokyo")
    assert "UTC+9" in words(alice.body("overview", "?range=all"))
    assert "UTC+9" not in words(alice.body("overview", "?range=all&zone=UTC"))


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/?lang=en", "Overview · ALSHAM QUANTUM"),
        ("/?lang=pt-BR", "Visão geral · ALSHAM QUANTUM"),
        ("/metrics?lang=en", "Metrics · ALSHAM QUANTUM"),
        ("/nowhere?lang=en", "Page not found · ALSHAM QUANTUM"),
    ],
)
def test_a_page_has_its_title_in_the_document_and_after_navigation(
    alice: Reader, address: str, title: str
) -> None:
    assert f"<title>{title}</title>" in alice.get(address).text
    path, _, query = address.partition("?")
    assert route(alice, path, f"?{query}").get_json()["response"]["_pages_store"]["data"]["title"] == title


def test_every_page_answers(alice: Reader) -> None:
    for entry in list(dash.page_registry.values()):
        path = entry["path_template"].replace("<agent>", "shop") if entry["path_template"] else entry["path"]
        is_for_her = allows("user", str(needed_by(entry["layout"])))
        assert alice.get(path).status_code == (200 if is_for_her else 403), path
        assert drawn(alice, path), path


def test_an_address_without_a_page_is_a_404_that_leads_back(alice: Reader) -> None:
    assert alice.get("/nowhere").status_code == 404
    assert "Page not found" in words(drawn(alice, "/nowhere", "?lang=en"))
    assert any(link.startswith("/?lang=en") for link in hrefs(drawn(alice, "/nowhere", "?lang=en")))


def test_programs_and_files_get_a_plain_404(alice: Reader) -> None:
    for path in ("/api/v1/nothing", "/assets/nothing.css", "/_nothing"):
        answer = alice.get(path)
        assert answer.status_code == 404 and answer.is_json, path


def test_the_query_never_becomes_an_argument_of_a_layout(alice: Reader) -> None:
    for search in ("?utm_source=x", "?view=x&draw=y&_=z&self=1", "?agent=other&pathname_=x", "?a=1&a=2&a=3"):
        for path in ("/", "/metrics", "/nowhere"):
            assert route(alice, path, search).status_code == 200


def test_a_changed_query_redraws_no_layout(alice: Reader) -> None:
    assert route(alice, "/", "?range=7d", ["_pages_location.search"]).status_code == 204
    assert (
        route(alice, "/", "?range=7d", ["_pages_location.pathname", "_pages_location.search"]).status_code
        == 200
    )


# --- errors -----------------------------------------------------------------------------------------


def failing(app: Dash, error: Exception) -> None:
    @app.callback(Output("test-out", "children"), Input("test-in", "value"))
    @permitted(SIGNED_IN)
    def fail(value: Any) -> Any:
        raise error


def test_a_failing_callback_becomes_a_message_with_a_reference(
    app: Dash, alice: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    failing(app, RuntimeError("the secret inside"))
    answer = alice.post("test-out.children", {"test-in.value": 1})
    assert answer.status_code == 200
    said = words(answer.get_json()["sideUpdate"]["toasts"]["children"])
    reference = said.rsplit("Reference ", 1)[1].strip()
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert reference in caplog.text and "the secret inside" in caplog.text


def test_a_failing_page_says_so_in_its_place(
    alice: Reader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import pages._view

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(pages._view, "session", broken)
    with caplog.at_level(logging.ERROR):
        said = words(alice.body("overview", "?lang=en"))
    assert "This could not be shown" in said and "Reference" in said and "secret" not in said


def test_a_database_that_is_away_is_said(alice: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    import pages._view

    def away(*_: Any) -> Any:
        raise DatabaseUnavailable("The database postgresql://who@where/what does not answer.")

    monkeypatch.setattr(pages._view, "session", away)
    said = words(alice.body("overview", "?lang=en"))
    assert "The database does not answer" in said and "Refresh" in said and "postgresql" not in said


def test_an_unforeseen_failure_is_a_page_with_a_reference(
    app: Dash, caplog: pytest.LogCaptureFixture
) -> None:
    @app.server.get("/boom")
    @permitted(SIGNED_IN)
    def boom() -> str:
        raise RuntimeError("the secret inside")

    alice = Reader(app.server.test_client())
    answer = alice.get("/boom?lang=en")
    assert answer.status_code == 500 and "report reference" in answer.text
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert "the secret inside" in caplog.text


def test_a_stranger_gets_no_layout_and_no_callback(app: Dash, alice: Reader) -> None:
    stranger = app.server.test_client()
    assert stranger.get("/_dash-layout").status_code == 401
    assert stranger.post(
        "/_dash-update-component", json={"output": "overview-body.children"}
    ).status_code in (400, 401)
    assert stranger.get("/nowhere").status_code == 302


@pytest.mark.parametrize(
    "referer", ["http://[", "http://[::1", "http://localhost:x/[", "\xff", "javascript:x"]
)
def test_a_referer_that_is_no_address_is_the_first_page_s(alice: Reader, referer: str) -> None:
    answer = alice.get("/_dash-layout", headers={"Referer": referer})
    assert answer.status_code == 200


def test_what_is_refused_is_noted_whatever_page_it_claims_to_be_asked_from(alice: Reader) -> None:
    answer = alice.post("admin-roles.children", {"url.search": ""}, referer="[")
    assert answer.status_code == 403 and answer.get_json()["error"]
