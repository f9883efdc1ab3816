"""Links in a real browser: the token stays in no history, the forms are accessible, one's data arrives as a file."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from app import create_app
from db.services.links import Issued, issue_invite, issue_reset
from settings import Settings
from tests import smtp
from tests.people import make_person
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")
OLD, NEW = "violet harbour 47", "copper lantern 93"
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}


@pytest.fixture
def address(settings: Settings, serve: Callable[[Any], str]) -> str:
    mail = smtp.Postbox().mail()
    return serve(create_app(replace(settings, mail=mail, public_url="https://quantum.example.com")))


def link(engine: Engine, issue: Callable[..., Issued], *subject: Any) -> str:
    with session(engine, write=True) as unit:
        return issue(unit, *subject, None, datetime.now(UTC)).path


def sign_in(page: Page, password: str) -> None:
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", password)
    page.click("button[type=submit]")


def test_a_forgotten_password_from_the_link_to_the_file_with_ones_data(
    address: str, engine: Engine, page: Page, tmp_path: Path, console_errors: list[str]
) -> None:
    path = link(engine, issue_reset, make_person(engine, password=OLD))
    page.goto(f"{address}{path}?lang=en")
    assert page.url == f"{address}/reset?lang=en"
    page.fill("[name=password]", NEW)
    page.click("button[type=submit]")
    expect(page.locator(".alert-success")).to_have_text("Your new password is stored. Sign in with it.")
    page.go_back()
    assert path.rpartition("/")[2] not in page.url, "the way back leads to no token"
    page.wait_for_load_state("networkidle")
    assert not [each for each in console_errors if "404" not in each]
    console_errors.clear()  # the used link's form answers 404
    page.goto(f"{address}/login?lang=en&next=/profile")
    sign_in(page, NEW)
    page.click("text=Export my data")
    page.fill("[name=password]", NEW)
    with page.expect_download() as arriving:
        page.click("button[type=submit]")
    arriving.value.save_as(tmp_path / "data.json")
    assert json.loads((tmp_path / "data.json").read_text())["about"]["for"]["username"] == "alice"
    page.click("text=Back to my profile")
    page.click("text=Close my account")
    page.fill("[name=confirm]", "alice")
    page.fill("[name=password]", NEW)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Your account is closed")
    page.goto(f"{address}/profile")
    expect(page).to_have_url(f"{address}/login?next=/profile")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", list(SIZES))
def test_every_form_is_accessible_and_nothing_scrolls_sideways(
    address: str, engine: Engine, new_page: Callable[..., Page], size: str, theme: str
) -> None:
    width, height = SIZES[size]
    page = new_page(viewport={"width": width, "height": height})
    long = "a.rather.long.name.of.somebody@department.of.the.house.example.com"
    who = make_person(engine, password=OLD)
    tail = f"?lang=pt-BR&theme={theme}"
    doors = ["/forgot", link(engine, issue_reset, who), link(engine, issue_invite, long, "strategist")]
    found = {}
    for door in [*doors, "/account/export", "/account/close"]:
        if door == "/account/export":
            page.goto(f"{address}/login{tail}")
            sign_in(page, OLD)
            page.wait_for_url(f"{address}/")
        page.goto(f"{address}{door}{tail}")
        bad = [
            each
            for each in Axe().run(page).response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        if bad or page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        ):
            found[page.url] = [each["id"] for each in bad]
    assert not found
