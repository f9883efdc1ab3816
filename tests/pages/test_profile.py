"""One's own profile: what is shown, what may be changed, and what never is."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select

from db.models import Profile
from tests.reader import PASSWORD, Reader, elements, words
from tests.sessions import session

SAVE = "..profile-form.children...profile-go.href.."
FORM = {
    "full_name": "Alice Souza",
    "company": "Alsham",
    "location": "Recife",
    "bio": "Line one\nline two",
    "language": "pt-BR",
    "theme": "light",
    "zone": "America/Recife",
}


def save(
    reader: Reader, search: str = "?lang=en&theme=dark&range=all", **changes: str | None
) -> dict[str, Any]:
    given = {f"profile-{name.replace('_', '-')}.value": value for name, value in (FORM | changes).items()}
    answer = reader.post(
        SAVE, {"profile-form.n_submit": 1, "url.search": search, **given}, changed=["profile-form.n_submit"]
    )
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.get_json()["response"]
    return response


def stored(engine: Engine, name: str = "alice") -> Profile:
    with session(engine) as unit:
        return unit.scalars(select(Profile).where(Profile.username == name)).one()


def fields(tree: Any) -> dict[str, Any]:
    props = [each["props"] for each in elements(tree)]
    return {each["id"]: each["value"] for each in props if "value" in each and "id" in each}


def test_what_is_saved_is_stored_and_shown(alice: Reader, engine: Engine) -> None:
    answer = save(alice)
    assert answer["profile-go"]["href"] == "/profile?range=all", (
        "language and theme now come from the profile"
    )
    mine = stored(engine)
    assert (mine.full_name, mine.company, mine.location, mine.bio) == (
        "Alice Souza",
        "Alsham",
        "Recife",
        "Line one\nline two",
    )
    assert mine.preferences == {"language": "pt-BR", "theme": "light", "zone": "America/Recife"}
    drawn = alice.body("profile", "")
    assert fields(drawn)["profile-full-name"] == "Alice Souza"
    assert fields(drawn)["profile-zone"] == "America/Recife"
    assert "Salvo." in words(drawn), "it is said, and in the language just chosen"
    assert "Salvo." not in words(alice.body("profile", "")), "it is said once"


def test_the_choice_holds_on_every_page_at_once(alice: Reader) -> None:
    save(alice)
    page = alice.get("/").text
    assert '<html lang="pt-BR" data-bs-theme="light"' in page
    assert "Alice Souza" in words(alice.layout("/"))


def test_every_refused_field_says_why_and_nothing_is_stored(alice: Reader, engine: Engine) -> None:
    answer = save(
        alice, full_name="x" * 121, bio="y" * 1001, zone="Mars/Olympus", language="tlh", company="kept"
    )
    form = answer["profile-form"]["children"]
    assert "profile-go" not in answer
    errors = {
        each["props"]["id"]: each["props"]["children"]
        for each in elements(form)
        if str(each["props"].get("id", "")).endswith("-error") and each["props"].get("children")
    }
    assert errors == {
        "profile-full-name-error": "Use at most 120 characters.",
        "profile-bio-error": "Use at most 1000 characters.",
        "profile-zone-error": "Choose one of the time zones listed, such as America/Sao_Paulo.",
        "profile-language-error": "Choose one of the languages listed.",
    }
    assert fields(form)["profile-company"] == "kept", "nothing typed is lost"
    assert stored(engine).company is None and stored(engine).preferences == {}


def test_an_emptied_field_is_cleared(alice: Reader, engine: Engine) -> None:
    save(alice)
    save(alice, company="", bio=None)
    assert stored(engine).company is None and stored(engine).bio is None
    assert stored(engine).location == "Recife"


def test_address_name_and_role_are_shown_and_cannot_be_sent(alice: Reader, engine: Engine) -> None:
    drawn = alice.body("profile", "?lang=en")
    for part in (
        "alice@example.com",
        "alice",
        "user",
        "Member since",
        "Only an administrator changes a role.",
    ):
        assert part in words(drawn)
    assert not {"profile-role", "profile-email", "profile-username"} & set(fields(drawn))
    save(alice)
    assert stored(engine).role == "user"


def test_nobody_changes_somebody_elses(alice: Reader, engine: Engine, app: Any) -> None:
    bob = Reader(app.server.test_client(), "bob")
    save(bob, full_name="Bob")
    assert stored(engine).full_name is None
    assert stored(engine, "bob").full_name == "Bob"
    assert "bob@example.com" not in words(alice.body("profile", ""))


def test_a_stranger_saves_nothing(client: FlaskClient) -> None:
    answer = client.post("/_dash-update-component", json={"output": SAVE, "inputs": [], "changedPropIds": []})
    assert answer.status_code in (400, 401, 403)


@pytest.mark.databases("sqlite")
def test_a_person_changes_the_language_and_sees_it_at_once(
    live_server: str, alice: Reader, page: Page
) -> None:
    page.goto(f"{live_server}/login?lang=en&next=/profile")
    page.fill("#login", "alice")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.fill("#profile-full-name", "Alice de Souza")
    page.select_option("#profile-language", "pt-BR")
    page.select_option("#profile-theme", "light")
    page.press("#profile-company", "Enter")
    expect(page.locator("h1")).to_have_text("Perfil")
    expect(page.locator(".notice")).to_contain_text("Salvo.")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    expect(page.locator(".person-words strong")).to_have_text("Alice de Souza")
    expect(page.locator("#profile-language")).to_have_value("pt-BR")
