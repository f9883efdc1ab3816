"""What only a browser shows: the address as the state, the drawer by keyboard, messages when a request fails."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from auth import permissions
from auth.permissions import Permission
from tests import module_rows
from tests.reader import PASSWORD, small_fleet
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def home(page: Page, live_server: str, engine: Engine, tmp_path: Path) -> Page:
    """The overview of the small fleet, as somebody who just made an account."""
    small_fleet(engine, tmp_path)
    page.goto(f"{live_server}/register?lang=en")
    for name, value in (("email", "alice@example.com"), ("username", "alice"), ("password", PASSWORD)):
        page.fill(f"#{name}", value)
    page.click("button[type=submit]")
    expect(page.locator("[data-metric='calls.count']")).to_be_visible()
    return page


def test_from_an_empty_range_to_a_proven_number(home: Page) -> None:
    home.get_by_role("link", name="Show that time").click()
    calls = home.locator(".reading-card [data-metric='calls.count']")
    expect(calls).to_have_attribute("data-value", "20")
    assert "range=2023-11-14T22:13:00Z/2023-11-14T22:14:00Z" in home.url
    calls.focus()
    home.keyboard.press("Enter")
    drawer = home.locator("#proof-body")
    expect(drawer).to_contain_text("it is the value you clicked")
    expect(drawer).to_contain_text("SELECT")
    home.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    home.go_back()
    expect(calls).to_have_attribute("data-value", "0")


def test_range_theme_and_language_go_along_from_page_to_page(home: Page) -> None:
    home.locator("[data-query-value='all']").click()
    home.locator("[data-query-set='theme'][data-query-value='light']").click()
    expect(home.locator("html")).to_have_attribute("data-bs-theme", "light")
    home.locator("[data-query-set='lang'][data-query-value='pt-BR']").click()
    expect(home.locator("h1")).to_have_text("Visão geral")
    home.locator("[data-nav='/metrics'].nav-entry").click()
    expect(home.locator("h1")).to_have_text("Métricas")
    expect(home).to_have_title("Métricas · ALSHAM QUANTUM")
    assert all(word in home.url for word in ("range=all", "theme=light", "lang=pt-BR"))
    home.locator("a[href*='domain=spans']").click()
    expect(home.locator("[data-metric='spans.count']")).to_have_attribute("data-value", "40")


def test_the_title_and_frame_stay_while_the_range_changes(home: Page) -> None:
    home.evaluate("document.querySelector('h1').dataset.kept = 'yes'")
    home.locator("[data-query-value='all']").click()
    expect(home.locator(".reading-card [data-metric='calls.count']")).to_have_attribute("data-value", "20")
    expect(home.locator("h1")).to_have_attribute("data-kept", "yes")


def test_nothing_runs_off_a_narrow_screen(home: Page) -> None:
    home.set_viewport_size({"width": 390, "height": 844})
    home.locator("[data-query-value='all']").click()
    expect(home.locator(".js-plotly-plot").first).to_be_visible()
    for path in ("/?range=all", "/metrics?range=all&domain=spans"):
        home.goto(re.sub(r"(https?://[^/]+).*", r"\1", home.url) + path)
        expect(home.locator("[data-metric='spans.count']").first).to_be_visible()
        assert home.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_months_of_a_chart_are_in_the_reader_s_language(home: Page, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", "admin")
        module_rows.support(unit)
    home.goto(re.sub(r"(https?://[^/]+).*", r"\1", home.url) + "/support?range=all&lang=pt-BR")
    months = home.locator(".xaxislayer-above")
    expect(months.filter(has_text="mai")).to_have_count(1)
    expect(months.filter(has_text="May")).to_have_count(0)


def test_a_page_of_no_time_offers_no_range(home: Page) -> None:
    expect(home.locator("#shell-range")).to_be_visible()
    home.locator("[data-nav='/profile'].nav-entry").click()
    expect(home.locator("#profile-save")).to_be_visible()
    expect(home.locator("#shell-range")).to_be_hidden()
    expect(home.locator("#shell-refresh")).to_be_hidden()
    home.locator("[data-nav='/metrics'].nav-entry").click()
    expect(home.locator("#shell-range")).to_be_visible()


def test_a_page_for_other_roles_says_so_when_one_follows_a_link_to_it(
    home: Page, console_errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(permissions.HELD_BY, Permission.CRM_READ, frozenset({"admin"}))
    home.locator("[data-nav='/crm'].nav-entry").click()
    expect(home.locator("h1")).to_have_text("Not for your role")
    expect(home.locator("#_pages_content")).to_contain_text("Your role does not include this page.")
    expect(home.locator("#toasts")).to_be_empty()
    assert console_errors and all("403" in each for each in console_errors)
    console_errors.clear()
    home.get_by_role("link", name="To the overview").click()
    expect(home.locator("h1")).to_have_text("Overview")
    home.goto(re.sub(r"(https?://[^/]+).*", r"\1", home.url) + "/crm?lang=en")
    expect(home.locator("h1")).to_have_text("Not for your role")
    console_errors.clear()


def test_a_request_that_fails_says_what_to_do(home: Page, console_errors: list[str]) -> None:
    said, kept = home.locator("#toasts"), home.locator("#trouble")
    home.route("**/_dash-update-component*", lambda route: route.fulfill(status=503, json={"error": "away"}))
    home.locator("#shell-refresh").click()
    expect(kept).to_contain_text("The database does not answer")
    home.unroute("**/_dash-update-component*")
    home.context.clear_cookies()
    home.locator("#shell-refresh").click()
    expect(said).to_contain_text("Your sign-in has ended")
    expect(said.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", re.compile("^/login\\?next=%2F")
    )
    home.close()
    console_errors.clear()


def test_what_is_too_large_to_send_is_said_and_stays_in_its_field(
    home: Page, console_errors: list[str]
) -> None:
    home.locator("[data-nav='/profile'].nav-entry").click()
    home.fill("#profile-bio", "long " * 1000)
    home.click("#profile-save")
    expect(home.locator("#toasts .toast")).to_contain_text("too large. Shorten it")
    expect(home.locator("#toasts .toast-header")).to_contain_text("Too large")
    expect(home.locator("#profile-bio")).to_have_value("long " * 1000)
    assert [each for each in console_errors if "413" not in each and "too large" not in each] == []
    console_errors.clear()
