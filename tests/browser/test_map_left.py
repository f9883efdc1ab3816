"""Leaving the map while something of it is still to come: nothing reads a figure that is gone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import Engine

from tests.browser.test_map_browser import GRAPH, opened, stocked

__all__ = ["stocked"]
pytestmark = pytest.mark.databases("sqlite")

# A pointer comes, the page is left in the same moment, and only then is the pointer to be told of once more.
POINT_AND_LEAVE = f"""() => {{
    const gd = {GRAPH};
    const {{ gl }} = window.mapMarks.sceneOf(gd).glplot;
    const asleep = window.mapCanvas.isAsleep(gl) && !window.mapCanvas.isQuiet(gl);
    gd.dispatchEvent(new PointerEvent("pointermove", {{ clientX: 5, clientY: 5 }}));
    const woken = asleep && !window.mapCanvas.isAsleep(gl);
    window.Plotly.purge(gd);
    window.late.length = 0;
    return woken;
}}"""
# Timers of the map run when they are called, not by the clock.
BY_HAND = """
    window.late = [];
    const real = window.setTimeout;
    window.setTimeout = (work, ms, ...more) => {
        if (ms !== 50 && ms !== 3000) return real(work, ms, ...more);
        window.late.push([ms, work]);
        return 0;
    };
"""
CALL = """(ms) => {
    const due = window.late.filter(([each]) => each === ms);
    for (const [, work] of due) work();
    return due.length;
}"""


@pytest.fixture
def chart(new_page: Callable[..., Page], live_server: str, stocked: None, engine: Engine) -> Page:
    page = new_page()
    page.add_init_script(BY_HAND)
    return opened(page, live_server)


def test_a_page_left_as_the_pointer_comes_complains_of_nothing(
    chart: Page, console_errors: list[str]
) -> None:
    assert chart.evaluate(POINT_AND_LEAVE)
    chart.wait_for_function("() => window.late.some(([ms, work]) => ms === 50 && work.name === 'tell')")
    assert chart.evaluate(CALL, 50) > 0
    assert console_errors == []


def test_a_page_left_before_the_first_picture_complains_of_nothing(
    chart: Page, console_errors: list[str]
) -> None:
    chart.evaluate(f"() => window.Plotly.purge({GRAPH})")
    assert chart.evaluate(CALL, 3000) > 0
    assert console_errors == []
