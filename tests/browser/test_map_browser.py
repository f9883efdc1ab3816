"""The map under a hand: clicks, flights, a camera that stays, names that keep apart, and the table by keyboard."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from db.catalogue.loader import seed
from tests.reader import PASSWORD, small_fleet
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")

GRAPH = "document.querySelector('#map-graph .js-plotly-plot')"
CAMERA = f"() => {GRAPH}._fullLayout.scene._scene.getCamera()"
STANDS = f"() => ({GRAPH}?.data || []).some((trace) => trace.meta === 'agents' && trace.x.length)"
# Marks of a kind ("agents" or "edges") that no other stands near, seen on the screen: [id, x, y] in px of the window.
LONELY = f"""([meta, apart]) => {{
    const gd = {GRAPH};
    const box = window.mapMarks.sceneOf(gd).container.getBoundingClientRect();
    const see = window.mapMarks.projector(gd);
    const of = (trace) => trace.x.map((x, i) => (
        {{ meta: trace.meta, id: trace.customdata[i], ...see(x, trace.y[i], trace.z[i]) }}));
    const marks = gd.data.filter((trace) => ["agents", "edges"].includes(trace.meta)).flatMap(of);
    const near = (a, b) => a !== b && Math.hypot(a.x - b.x, a.y - b.y) <= apart;
    return marks.filter((one) => one.meta === meta && !marks.some((other) => near(one, other)))
        .map((one) => [one.id, one.x + box.left, one.y + box.top])
        .filter(([, , y]) => y > box.top + 70 && y < Math.min(box.bottom, innerHeight) - 20);
}}"""
# Where an agent stands, in parts of the graph's width and height.
PLACE = f"""(id) => {{
    const gd = {GRAPH};
    const trace = gd.data.find((one) => one.meta === "agents");
    const i = trace.customdata.indexOf(id);
    const at = window.mapMarks.projector(gd)(trace.x[i], trace.y[i], trace.z[i]);
    return [at.x / gd.clientWidth, at.y / gd.clientHeight];
}}"""
# How many names are written, and how many pairs of them overlap.
OVERLAPS = """() => {
    const boxes = [...document.querySelectorAll("#map-graph .map-name")].filter((name) => !name.hidden)
        .map((name) => name.getBoundingClientRect());
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return [boxes.length, boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => meet(a, b))).length];
}"""


def counted(count: int) -> str:
    """That so many agents stand on the map."""
    return f"() => {GRAPH}.data.find((trace) => trace.meta === 'agents').x.length === {count}"


def opened(page: Page, address: str, name: str = "alice") -> Page:
    page.goto(f"{address}/register?lang=en")
    for field, value in (("email", f"{name}@example.com"), ("username", name), ("password", PASSWORD)):
        page.fill(f"#{field}", value)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Overview")
    page.goto(f"{address}/map?range=all&lang=en")
    drawn(page)
    return page


def drawn(page: Page) -> None:
    """Wait until the agents stand and their squads are named."""
    page.wait_for_function(STANDS)
    expect(page.locator("#map-graph .map-name-squad").first).to_be_visible()
    settled(page)


def settled(page: Page) -> dict[str, Any]:
    """The camera once it has come to rest, also where a picture takes half a second."""
    seen = [page.evaluate(CAMERA)]
    while len(seen) < 4 or any(one != seen[-1] for one in seen[-4:]):
        page.wait_for_timeout(200)
        seen.append(page.evaluate(CAMERA))
    return dict(seen[-1])


def moved(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(abs(one[part][axis] - other[part][axis]) for part in ("eye", "center") for axis in "xyz")


def refreshed(page: Page) -> None:
    with page.expect_response(
        lambda answer: "_dash-update-component" in answer.url and "map-graph" in answer.text()
    ):
        page.evaluate("document.getElementById('shell-refresh').click()")
    page.wait_for_timeout(600)


@pytest.fixture
def stocked(engine: Engine, tmp_path: Path) -> None:
    with session(engine, write=True) as unit:
        seed(unit)
    small_fleet(engine, tmp_path)


@pytest.fixture
def chart(page: Page, live_server: str, stocked: None) -> Page:
    """The map of the catalogue and a small fleet."""
    return opened(page, live_server)


def test_the_first_picture_is_painted_once_and_nothing_while_nobody_moves(
    live_server: str, stocked: None, new_page: Callable[..., Page]
) -> None:
    """Plotly alone paints five, for half a second, from cameras that are not where the map is seen from."""
    page = new_page()
    page.add_init_script(
        """window.painted = 0;
        for (const kind of [WebGLRenderingContext, WebGL2RenderingContext]) {
            const clear = kind.prototype.clear;
            kind.prototype.clear = function (what) {
                if (this.getParameter(this.FRAMEBUFFER_BINDING) === null) window.painted += 1;
                return clear.call(this, what);
            };
        }"""
    )
    opened(page, live_server)
    page.wait_for_timeout(1000)
    assert 1 <= page.evaluate("window.painted") <= 3
    page.evaluate("window.painted = 0")
    page.click("[data-map-action='in']")
    settled(page)
    moving = page.evaluate("window.painted")
    assert moving > 1, "a flight is painted step by step"
    page.wait_for_timeout(1000)
    assert page.evaluate("window.painted") == moving


def test_an_agent_inside_a_hull_is_hovered_and_clicked_exactly(chart: Page) -> None:
    agent, x, y = chart.evaluate(LONELY, ["agents", 26])[0]
    chart.mouse.move(x, y)
    expect(chart.locator("#map-graph .hoverlayer, #map-graph svg .hovertext").first).to_be_attached()
    chart.wait_for_timeout(500)
    chart.mouse.click(x, y)
    chart.wait_for_url(re.compile(re.escape(f"/agents/{agent}") + r"\?"))
    expect(chart.locator("#agent-body")).to_contain_text(agent)


def test_a_drag_that_begins_and_ends_on_an_agent_opens_nothing(chart: Page) -> None:
    before = settled(chart)
    _, x, y = chart.evaluate(LONELY, ["agents", 26])[0]
    chart.mouse.move(x, y)
    chart.wait_for_timeout(500)
    chart.mouse.down()
    chart.wait_for_timeout(600)
    chart.mouse.move(x + 60, y + 20, steps=4)
    assert moved(settled(chart), before) > 0.05
    chart.mouse.move(x, y, steps=4)
    chart.wait_for_timeout(500)
    chart.mouse.up()
    chart.wait_for_timeout(1500)
    assert "/map?" in chart.url


def test_the_dot_of_a_connection_shows_its_numbers_beside_the_map(chart: Page) -> None:
    chart.locator("button[data-map-squad='fleet']").click()
    settled(chart)
    chart.evaluate("window.scrollTo(0, 0)")
    edge, x, y = chart.evaluate(LONELY, ["edges", 8])[0]
    assert edge == ["shop", "till"]
    chart.mouse.move(x, y)
    chart.wait_for_timeout(500)
    chart.mouse.click(x, y)
    panel = chart.locator("#map-connection")
    expect(panel.locator("[data-metric='connection.calls']")).to_have_attribute("data-value", "20")
    assert "caller=shop" in chart.url and "callee=till" in chart.url
    panel.locator("[data-metric='connection.calls']").click()
    expect(chart.locator("#proof .proof-check")).to_have_attribute("data-same", "true")
    chart.keyboard.press("Escape")
    panel.get_by_role("link", name="Close").click()
    expect(panel.locator("[data-metric]")).to_have_count(0)
    assert "caller" not in chart.url


def test_search_flies_to_an_agent_and_marks_it(chart: Page) -> None:
    before = settled(chart)
    chart.click("#map-search")
    chart.fill(".dash-dropdown-search", "till")
    expect(chart.locator(".dash-options-list-option")).to_have_text(["till"])
    chart.locator(".dash-options-list-option").click()
    expect(chart.locator("#map-graph .map-name-chosen")).to_have_text("till")
    chart.wait_for_function(f"(x) => Math.abs(({CAMERA})().center.x - x) > 0.01", arg=before["center"]["x"])
    after = settled(chart)
    x, y = chart.evaluate(PLACE, "till")
    assert (x, y) == pytest.approx((0.5, 0.5), abs=0.02), "it stands in the middle"
    refreshed(chart)
    assert moved(settled(chart), after) < 1e-6
    expect(chart.locator("#map-graph .map-name-chosen")).to_have_text("till")


def test_the_camera_stays_on_refresh_filter_and_theme(chart: Page) -> None:
    home = settled(chart)
    chart.click("[data-map-action='in']")
    settled(chart)
    chart.click("[data-map-action='left']")
    chosen = settled(chart)
    assert moved(chosen, home) > 0.1
    refreshed(chart)
    assert moved(settled(chart), chosen) < 1e-6
    chart.select_option("#map-squad", "CORE")
    chart.wait_for_function(counted(35))
    assert moved(settled(chart), chosen) < 1e-6
    chart.locator("[data-query-set='theme'][data-query-value='light']").click()
    chart.wait_for_timeout(800)
    assert moved(settled(chart), chosen) < 1e-6
    chart.click("[data-map-action='reset']")
    assert moved(settled(chart), chosen) > 0.1


def test_data_that_arrives_in_the_middle_of_a_drag_does_not_turn_the_map(chart: Page) -> None:
    home = settled(chart)
    box = chart.locator("#map-graph").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.06, box["y"] + box["height"] * 0.5
    chart.mouse.move(x, y)
    chart.mouse.down()
    chart.mouse.move(x + 120, y + 10, steps=6)
    held = settled(chart)
    refreshed(chart)
    assert moved(held, home) > 0.05 and moved(settled(chart), held) < 1e-6
    chart.mouse.up()
    assert moved(settled(chart), held) < 1e-3


def test_no_name_covers_another_at_any_size(chart: Page) -> None:
    chart.goto(chart.url + "&squad=CORE")  # few enough for each to have its name written
    drawn(chart)
    for width in (1440, 800, 390):
        chart.set_viewport_size({"width": width, "height": 900})
        chart.wait_for_timeout(900)
        count, covered = chart.evaluate(OVERLAPS)
        assert count >= 5 and covered == 0, width
        assert chart.evaluate("document.documentElement.scrollWidth") <= width


def test_motion_is_spared_for_who_asks_for_it(
    live_server: str, stocked: None, new_page: Callable[..., Page]
) -> None:
    at_once = f"() => {{ document.querySelector('[data-map-action=top]').click(); return ({CAMERA})(); }}"
    calm = opened(new_page(reduced_motion="reduce"), live_server)
    there = calm.evaluate(at_once)
    assert moved(settled(calm), there) < 1e-6
    lively = opened(new_page(), live_server, "bob")
    begun = lively.evaluate(at_once)
    assert moved(settled(lively), begun) > 0.05, "it flies there otherwise"


def test_the_table_is_reached_read_and_left_by_keyboard(chart: Page) -> None:
    chart.locator(".map-switch [data-query-value='table']").focus()
    chart.keyboard.press("Enter")
    expect(chart.locator("#map-connections .agent-link")).to_have_text(["shop", "till"])
    expect(chart.locator("#map-graph")).to_be_hidden()
    assert "view=table" in chart.url
    chart.locator("#map-connections [data-metric='connection.errors']").focus()
    chart.keyboard.press("Enter")
    expect(chart.locator("#proof [data-metric='connection.errors']")).to_have_attribute("data-value", "1")
    chart.keyboard.press("Escape")
    expect(chart.locator("#proof")).to_be_hidden()
    chart.locator(".map-alone summary").focus()
    chart.keyboard.press("Enter")
    expect(chart.locator(".map-alone .agent-link")).to_have_count(139)
    chart.locator(".map-switch button:first-child").focus()
    chart.keyboard.press("Enter")
    drawn(chart)
    expect(chart.locator("#map-connections")).to_have_count(0)


def test_the_table_first_and_the_picture_later(chart: Page) -> None:
    chart.goto(chart.url + "&view=table")
    expect(chart.locator("#map-connections .agent-link")).to_have_count(2)
    chart.locator(".map-switch button:first-child").click()
    drawn(chart)
    inside = chart.evaluate(LONELY, ["agents", 0])
    assert len(inside) > 100, "the whole map is in view"


def test_an_address_restores_filter_and_connection_and_back_goes_back(chart: Page) -> None:
    chart.fill("#map-filter", "till")
    chart.wait_for_function(counted(1))
    assert "search=till" in chart.url
    chart.reload()
    drawn(chart)
    expect(chart.locator("#map-filter")).to_have_value("till")
    chart.get_by_role("link", name="Clear filters").click()
    chart.wait_for_function(counted(141))
    chart.go_back()
    chart.wait_for_function(counted(1))
