"""The API reference in a browser: it is there offline, and a key typed into it opens what it should and goes nowhere
else."""

import pytest
from dash import Dash
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select

from db.models import Profile
from tests.api.rest.program import key_for
from tests.reader import PASSWORD, Reader
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")
AGENTS = "#api-docs #operations-agents-agents"


@pytest.fixture
def reference(app: Dash, live_server: str, page: Page) -> Page:
    """The reference, opened by somebody who has an account."""
    Reader(app.server.test_client())
    page.goto(f"{live_server}/login?lang=en")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{live_server}/docs/api?lang=en&theme=dark")
    expect(page.locator("#api-docs .opblock").first).to_be_visible()
    return page


def test_every_operation_is_there_to_read(reference: Page) -> None:
    described = reference.evaluate(
        "async () => Object.values((await (await fetch('/api/v1/openapi.json')).json()).paths)"
        ".reduce((sum, path) => sum + Object.keys(path).length, 0)"
    )
    assert described > 35
    expect(reference.locator("#api-docs .opblock")).to_have_count(described)
    expect(reference.locator("#api-docs-failed")).to_be_hidden()


def test_a_key_typed_in_opens_what_it_opens_and_is_kept_nowhere(reference: Page, engine: Engine) -> None:
    with session(engine) as unit:
        alice = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
    key = key_for(engine, alice)
    reference.click("#api-docs .btn.authorize")
    reference.fill("#api-docs .auth-container input", key)
    reference.click("#api-docs .auth-btn-wrapper .authorize")
    reference.click("#api-docs .btn-done")
    operation = reference.locator(AGENTS)
    operation.locator(".opblock-summary-control").click()
    operation.locator(".try-out__btn").click()
    with reference.expect_response("**/api/v1/agents?**") as answered:
        operation.locator(".execute").click()
    assert answered.value.status == 200
    assert answered.value.request.headers["authorization"] == f"Bearer {key}"
    expect(operation.locator(".live-responses-table .response").first).to_contain_text("200")
    kept = reference.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert key not in kept


def test_another_host_is_not_asked(reference: Page, console_errors: list[str]) -> None:
    said = reference.evaluate(
        "() => { try { window.dash_clientside.apidocs.onlyHere({url: 'https://elsewhere.example/x'}); return 'asked' }"
        " catch (error) { return error.message } }"
    )
    assert said == "Only this server is asked from here."
    assert not console_errors


def test_both_themes_can_be_read(reference: Page) -> None:
    for place in (".opblock-tag", ".opblock-summary-path", ".info p"):
        text = f"getComputedStyle(document.querySelector('#api-docs {place}')).color"
        dark = reference.evaluate(text)
        reference.evaluate("document.documentElement.dataset.bsTheme = 'light'")
        reference.wait_for_function(f"() => {text} !== '{dark}'")
        reference.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        reference.wait_for_function(f"() => {text} === '{dark}'")
    ground = "getComputedStyle(document.querySelector('#api-docs')).backgroundColor"
    assert reference.evaluate(ground) == "rgba(0, 0, 0, 0)"
