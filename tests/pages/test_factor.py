"""The second factor on the profile page, and the whole way through it in a browser without a word of script."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, update

from db.models import RecoveryCode, SecondFactor
from tests.auth.second import code, codes_shown, secret_shown
from tests.reader import PASSWORD, Reader, hrefs, words
from tests.sessions import session


def enrol(alice: Reader) -> list[str]:
    page = alice.get("/second-factor").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    given = {"csrf_token": token, "code": code(secret_shown(page))}
    return codes_shown(alice.client.post("/second-factor", data=given).text)


def test_off_leads_to_setting_it_up_and_on_to_the_rest(alice: Reader) -> None:
    drawn = alice.body("profile", "?lang=pt-BR&theme=light&range=all")
    assert "quem descobrir sua senha pode entrar como você" in words(drawn)
    assert "/second-factor?lang=pt-BR&theme=light" in hrefs(drawn)
    assert len(enrol(alice)) == 10
    drawn = alice.body("profile", "?lang=en")
    assert "10 of 10 left" in words(drawn) and "On since" in words(drawn)
    assert {"/second-factor/codes?lang=en", "/second-factor/off?lang=en"} <= set(hrefs(drawn))
    assert "/second-factor?lang=en" not in hrefs(drawn)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("left", "said"),
    [
        (4, None),
        (3, "Only 3 recovery codes are left."),
        (1, "Only 1 recovery code is left."),
        (0, "No recovery code is left."),
    ],
)
def test_few_recovery_codes_are_said(alice: Reader, engine: Engine, left: int, said: str | None) -> None:
    enrol(alice)
    with session(engine, write=True) as unit:
        codes = unit.query(RecoveryCode).all()
        for row in codes[left:]:
            row.used_at = row.created_at
    shown = words(alice.body("profile", "?lang=en"))
    assert f"{left} of 10 left" in shown
    assert said in shown if said else not any(each in shown for each in ("are left", "is left"))


def test_somebody_elses_factor_is_not_shown(alice: Reader, app: Any) -> None:
    bob = Reader(app.server.test_client(), "bob")
    enrol(alice)
    assert "Off:" in words(bob.body("profile", "?lang=en"))


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_whole_way_in_a_browser(
    live_server: str, alice: Reader, engine: Engine, new_page: Any, width: int, theme: str
) -> None:
    page: Page = new_page(viewport={"width": width, "height": 900})
    look = f"lang=en&theme={theme}"

    def looks_well() -> None:
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    def sign_in() -> None:
        page.goto(f"{live_server}/login?{look}&next=/profile")
        page.fill("#login", "alice")
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")

    sign_in()
    page.get_by_role("link", name="Set up a second factor").click()
    expect(page.get_by_role("img", name="QR code for the authenticator app")).to_be_visible()
    looks_well()
    secret = page.locator(".door-key").inner_text().replace(" ", "")
    page.get_by_label("Code the app shows now").fill(code(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".door-codes li")).to_have_count(10)
    looks_well()
    codes = page.locator(".door-codes li").all_inner_texts()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as a text file").click()
    assert Path(saved.value.path()).read_text().splitlines() == ["ALSHAM QUANTUM", *codes]
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator(".profile-factor")).to_contain_text("10 of 10 left")
    page.context.clear_cookies()
    with session(engine, write=True) as unit:
        unit.execute(update(SecondFactor).values(last_step=None))
    sign_in()
    expect(page.get_by_label("Code of the app")).to_be_focused()
    looks_well()
    page.keyboard.type(code(secret))
    page.keyboard.press("Enter")
    expect(page.locator(".profile-factor")).to_contain_text("10 of 10 left")
    page.get_by_role("link", name="Turn it off").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code of the app, or a recovery code").fill(codes[0])
    looks_well()
    page.get_by_role("button", name="Turn it off").click()
    expect(page.locator(".profile-factor")).to_contain_text("Off:")
