"""A page tells once how soon it was there, and a bar of its chart leads somewhere."""

from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from app import COLLECTOR
from db.queries.answers import FIRST_PAINT, NUMBERS, SERVER_TIME
from tests.reader import PASSWORD, Reader, small_fleet

pytestmark = pytest.mark.databases("sqlite")


def test_a_page_reports_its_paint_and_numbers_and_its_bar_leads_to_its_agents(
    app: Dash, live_server: str, page: Page, engine: Engine, tmp_path: Path
) -> None:
    small_fleet(engine, tmp_path)
    Reader(app.server.test_client())
    page.goto(f"{live_server}/login?lang=en")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    timings: Any = app.server.extensions[COLLECTOR].timings
    page.wait_for_load_state("networkidle")  # the first page has told by then
    timings.drain()
    with page.expect_response("**/measured") as told:
        page.goto(f"{live_server}/?range=all&lang=en")
    assert told.value.status == 204
    seen = {
        each.kind: each for each in timings.drain() if each.kind == SERVER_TIME or each.about == "overview"
    }
    assert set(seen) == {FIRST_PAINT, NUMBERS, SERVER_TIME}
    assert 0 < seen[FIRST_PAINT].ms < seen[NUMBERS].ms
    bar = page.locator("#overview-efficiency .point").last
    expect(bar).to_be_visible()
    place = bar.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.wait_for_url(lambda url: "/agents?" in url and "efficiency=90-100" in url)
    expect(page.locator("#agents-list .list-summary")).to_contain_text("2 agents match")
