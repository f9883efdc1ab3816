"""The flat map under a hand and a keyboard: it comes by itself, it opens what is clicked, it keeps its place."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from db.services.network_import import Given, import_network
from tests.reader import PASSWORD, small_fleet

pytestmark = pytest.mark.databases("sqlite")

GRAPH = "document.querySelector('#map-flat .js-plotly-plot')"
STANDS = f"() => ({GRAPH}?.data || []).some((trace) => trace.meta === 'agents' && trace.x.length)"
# Where the marks of a kind stand on the screen: [id, x, y] in px of the window.
MARKS = f"""(meta) => {{
    const gd = {GRAPH};
    const box = gd.getBoundingClientRect();
    const {{ xaxis, yaxis }} = gd._fullLayout;
    const trace = gd.data.find((one) => one.meta === meta);
    return trace.customdata.map((id, i) => [id, box.left + xaxis._offset + xaxis.d2p(trace.x[i]),
        box.top + yaxis._offset + yaxis.d2p(trace.y[i])]);
}}"""
RANGE = f"() => {GRAPH}._fullLayout.xaxis.range"


@pytest.fixture
def stocked(engine: Engine, tmp_path: Path) -> None:
    """A measured call and an island of two imported agents."""
    small_fleet(engine, tmp_path)
    (tmp_path / "pair.csv").write_text("source,target,weight\nleft,right,2\n")
    import_network(engine, Given(edges=tmp_path / "pair.csv"))


def opened(page: Page, address: str, query: str = "&view=2d", name: str = "alice") -> Page:
    page.goto(f"{address}/register?lang=en")
    for field, value in (("email", f"{name}@example.com"), ("username", name), ("password", PASSWORD)):
        page.fill(f"#{field}", value)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Overview")
    page.goto(f"{address}/map?range=all&lang=en{query}")
    return page


@pytest.fixture
def flat(page: Page, live_server: str, stocked: None) -> Page:
    chart = opened(page, live_server)
    chart.wait_for_function(STANDS)
    expect(chart.locator("#map-flat .map-name-squad").first).to_be_visible()
    return chart


def test_a_click_opens_the_agent(flat: Page) -> None:
    expect(flat.locator("#map-graph")).to_be_hidden()
    agent, x, y = next(mark for mark in flat.evaluate(MARKS, "agents") if mark[0] == "till")
    flat.mouse.move(x, y)
    expect(flat.locator("#map-flat .hovertext")).to_contain_text("Calls in and out: 20")
    flat.mouse.click(x, y)
    flat.wait_for_url(re.compile(r"/agents/till\?"))
    expect(flat.locator("#agent-body")).to_contain_text("Called by")
    flat.wait_for_load_state("networkidle")


def test_a_click_on_a_line_shows_its_readings_and_leaves_the_view_alone(flat: Page) -> None:
    flat.get_by_role("button", name="Farther").click()
    before = flat.evaluate(RANGE)
    _, x, y = next(mark for mark in flat.evaluate(MARKS, "edges") if mark[0] == ["shop", "till"])
    flat.mouse.click(x, y)
    expect(flat.locator(".map-panel [data-metric='connection.calls']")).to_have_attribute("data-value", "20")
    flat.wait_for_timeout(400)
    assert flat.evaluate(RANGE) == pytest.approx(before, rel=1e-3)
    flat.get_by_role("button", name="Back to the whole map").click()
    flat.wait_for_function(f"() => Math.abs({GRAPH}._fullLayout.xaxis.range[0] - {before[0]}) > 0.01")


def test_the_keyboard_goes_from_mark_to_mark_and_opens_one(flat: Page) -> None:
    chart = flat.locator("#map-flat .js-plotly-plot")
    chart.focus()
    expect(chart).to_have_attribute("aria-label", re.compile("Arrow keys"))
    told = chart.locator(":scope > [aria-live]")
    seen = set()
    for key in (
        "ArrowLeft",
        "ArrowLeft",
        "ArrowLeft",
        "ArrowLeft",
        "ArrowRight",
        "ArrowRight",
        "ArrowUp",
        "ArrowDown",
    ):
        flat.keyboard.press(key)
        seen.add(told.text_content())
    assert len(seen) >= 3
    expect(chart.locator(".hovertext").first).to_be_visible()
    now = flat.evaluate(RANGE)
    flat.keyboard.press("+")
    flat.wait_for_function(
        f"() => {GRAPH}._fullLayout.xaxis.range[1] - {GRAPH}._fullLayout.xaxis.range[0] < {now[1] - now[0]}"
    )
    flat.keyboard.press("Enter")
    flat.wait_for_url(re.compile(r"/agents/|caller="))
    flat.wait_for_load_state("networkidle")


def test_the_switch_and_the_address_say_the_same(flat: Page) -> None:
    button = flat.locator(".map-switch [data-query-value='2d']")
    expect(button).to_have_attribute("aria-pressed", "true")
    flat.locator(".map-switch [data-query-value='3d']").click()
    expect(flat.locator("#map-graph")).to_be_visible()
    expect(flat.locator("#map-flat")).to_be_hidden()
    assert "view=3d" in flat.url
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_narrow_screen_gets_it_by_itself(
    new_page: Callable[..., Page], live_server: str, stocked: None
) -> None:
    page = opened(new_page(viewport={"width": 390, "height": 844}), live_server, "")
    page.wait_for_function(STANDS)
    expect(page.locator("#map-flat")).to_be_visible()
    expect(page.locator(".map-switch [data-query-value='2d']")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_webgl_it_comes_by_itself_and_says_so(
    new_page: Callable[..., Page], live_server: str, stocked: None
) -> None:
    page = new_page()
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        " return /webgl/.test(kind) ? null : get.call(this, kind, ...more); };"
    )
    opened(page, live_server, "")
    page.wait_for_function(STANDS)
    expect(page.locator("#map-flat")).to_be_visible()
    expect(page.locator(".map-switch [data-query-value='3d']")).to_be_disabled()
    page.goto(f"{live_server}/map?range=all&lang=en&view=3d")
    expect(page.locator("#map-said")).to_contain_text("cannot draw in 3D")
    expect(page.locator("#map-flat")).to_be_visible()
