"""Every page in both themes and at both widths: no serious violation of accessibility, nothing scrolls sideways,
and the keyboard reaches what the mouse reaches, with a focus one can see."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app import create_app
from db.catalogue.loader import seed
from db.engine import make_engine
from db.schema import upgrade
from settings import load
from tests.conftest import ROOT
from tests.reader import PASSWORD, small_fleet
from tests.sessions import session
from tests.settling import settled
from tests.uptime_rows import watched_fleet

pytestmark = pytest.mark.databases("sqlite")
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
BAD = ("serious", "critical")
# Pages that need something in their address.
MORE = (
    "/agents/shop?range=all",
    "/status/agent:cart-writer?range=all",
    "/admin/people/{alice}",
    "/admin/access?as={alice}&table=user_sessions",
    "/admin/access?as=role:user&table=deals",
    "/nothing-here",
)


def pages() -> list[str]:
    """The address of every page there is, from the files that register them."""
    found = []
    for path in sorted((ROOT / "pages").glob("[!_]*.py")):
        text = path.read_text()
        match = re.search(r'register_page\(\s*__name__,\s*path="([^"]+)"', text) or re.search(
            r'\bname="(\w+)"', text
        )
        if match and "404" not in path.stem:
            found.append("/" + match[1].lstrip("/"))
    assert {"/", "/map", "/agents", "/metrics", "/profile", "/crm", "/admin", "/admin/roles"} <= set(found)
    return [*found, *MORE]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application with a small fleet, served for all tests of this file; its first account is the admin."""
    import threading

    from werkzeug.serving import make_server

    folder = tmp_path_factory.mktemp("access")
    settings = load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(folder)})
    upgrade(settings.database_url)
    engine = make_engine(settings.database_url)
    with session(engine, write=True) as unit:
        seed(unit)
    small_fleet(engine, folder)
    watched_fleet(engine)
    server = make_server("127.0.0.1", 0, create_app(settings).server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _sign_up_admin(folder)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _sign_up_admin(folder: Path) -> None:
    from auth.passwords import hash_password
    from db.services.accounts import register_account

    with session(make_engine(f"sqlite:///{folder / 'quantum.db'}"), write=True) as unit:
        register_account(
            unit,
            email="alice@example.com",
            username="alice",
            full_name="Alice",
            password_hash=hash_password(PASSWORD),
            role="admin",
        )


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login?lang=en")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Overview")


# Colours are the themes', room is the widths': each of the four is looked at once.
@pytest.mark.parametrize(("size", "theme"), [("wide", "dark"), ("narrow", "light")])
def test_no_page_has_a_serious_violation_or_scrolls_sideways(
    address: str, new_page: Callable[..., Page], console_errors: list[str], size: str, theme: str
) -> None:
    width, height = SIZES[size]
    page = new_page(viewport={"width": width, "height": height})
    sign_in(page, address)
    said = []
    page.goto(f"{address}/admin")
    settled(page)
    alice = str(page.locator(".row-link").first.get_attribute("href")).partition("?")[0].rpartition("/")[2]
    for template in pages():
        path = template.format(alice=alice)
        page.goto(f"{address}{path}{'&' if '?' in path else '?'}theme={theme}&range=all")
        settled(page)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in BAD:
                nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                said.append(f"{path} {violation['id']} ({violation['impact']}): {nodes}")
        scrolled = page.evaluate("document.documentElement.scrollWidth")
        if scrolled > width:
            said.append(f"{path} is {scrolled} px wide on {width}")
    console_errors[:] = [each for each in console_errors if "404" not in each]  # the page that is not there
    assert not said, "\n".join(said)


@pytest.mark.parametrize("door", ["login", "register"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_doors_have_no_serious_violation(address: str, page: Page, door: str, theme: str) -> None:
    page.goto(f"{address}/{door}?theme={theme}")
    found = [each["id"] for each in Axe().run(page).response["violations"] if each["impact"] in BAD]
    assert found == []


def test_the_keyboard_reaches_everything_and_the_focus_is_seen(address: str, page: Page) -> None:
    sign_in(page, address)
    page.goto(f"{address}/?range=all&lang=en")
    settled(page)
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, input, select, summary')]
            .filter(e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0).length"""
    )
    reached, unseen = set(), []
    for _ in range(wanted + 20):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
                const e = document.activeElement, s = getComputedStyle(e);
                if (e === document.body) return null;
                window.__seen = window.__seen || new Map();
                if (!window.__seen.has(e)) window.__seen.set(e, window.__seen.size);
                const line = s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
                const drawn = s => line(s) || s.boxShadow !== 'none';
                const ring = drawn(s) || drawn(getComputedStyle(e, '::after'));
                return [window.__seen.get(e), ring, e.outerHTML.slice(0, 120)];
            }"""
        )
        if seen:
            reached.add(seen[0])
            if not seen[1]:
                unseen.append(seen[2])
    assert not unseen, unseen
    assert len(reached) >= wanted, f"{len(reached)} of {wanted} reached"
