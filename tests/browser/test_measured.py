"""No measured value stands outside its element; ages count on; last values stay, and what differs shows."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import Engine
from werkzeug.serving import make_server

from app import create_app
from auth.passwords import hash_password
from components.measured import UNMEASURED
from db.engine import make_engine
from db.schema import upgrade
from db.services.accounts import register_account
from db.services.otlp_files import import_files
from settings import load
from tests.browser.test_access import pages
from tests.filled import SUBJECTS, fill
from tests.otlp import request, span, write
from tests.reader import PASSWORD
from tests.sessions import session
from tests.settling import settled

pytestmark = pytest.mark.databases("sqlite")
ROLES = {"alice": "admin", "mia": "strategist"}
# What a page shows only when its address asks for it.
FURTHER = [
    "/map?view=2d",
    "/map?view=table",
    f"/measurements?series={quote(SUBJECTS['series',][0])}",
    f"/logs?trace={900:032x}",
]
CALLBACKS = "**/_dash-update-component*"
# Text with digits that is in no measured value's element, in nothing that belongs to one, and under no declared reason.
LOOSE = """(reasons) => {
    const titles = "h1, h2, h3, h4, th, dt, caption, label, .sort-link, .choice, .agent-link";
    const inside = ["[data-metric]", "time", "code", "pre", "input", "textarea", "select", ".js-plotly-plot", titles];
    const found = [];
    const walker = document.createTreeWalker(document.querySelector("#content"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
        if (!/\\d/.test(text) || !element.checkVisibility() || element.closest(inside.join(","))) continue;
        const reason = element.closest("[data-unmeasured]");
        if (reason && reasons.includes(reason.dataset.unmeasured)) continue;
        const beside = element.closest("[data-of]");
        if (beside) {
            const holder = beside.closest(".reading-card, .chart-frame, .framed-table") || beside.parentElement;
            if (holder.querySelector(`[data-metric="${CSS.escape(beside.dataset.of)}"]`)) continue;
        }
        found.push([text, element.outerHTML.slice(0, 160)]);
    }
    return found;
}"""
GRAPHS = """() => [...document.querySelectorAll("#content .js-plotly-plot")]
    .filter((graph) => !graph.closest("[data-metric]")).map((graph) => graph.id || graph.outerHTML.slice(0, 120))"""
MOMENT = re.compile(
    r"\d{1,2} \w{3} \d{4}(, \d\d:\d\d(:\d\d)?)?( UTC([−+]\d{1,2}(:\d\d)?)?)?|\d{4}-\d\d-\d\d(T[\d:.]+Z?)?"
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Engine]]:
    """The application with rows of every kind, served for all tests of this file, and its database."""
    folder = tmp_path_factory.mktemp("measured")
    settings = load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(folder)})
    upgrade(settings.database_url)
    engine = make_engine(settings.database_url)
    password = hash_password(PASSWORD)
    with session(engine, write=True) as unit:
        for name, role in ROLES.items():
            given = {"email": f"{name}@example.com", "username": name, "full_name": name.title()}
            register_account(unit, **given, password_hash=password, role=role)
    fill(engine, folder)
    server = make_server("127.0.0.1", 0, create_app(settings).server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", engine
    server.shutdown()
    thread.join()
    engine.dispose()


def sign_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/login?lang=en")
    page.fill("[name=login]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Overview")


def loose(page: Page) -> list[str]:
    """What is measured and stands alone: digits that are left when instants and days are taken out."""
    found = page.evaluate(LOOSE, list(UNMEASURED))
    return [f"{text!r} in {element}" for text, element in found if re.search(r"\d", MOMENT.sub("", text))]


@pytest.mark.parametrize("name", ROLES)
def test_no_measured_value_stands_outside_its_element(
    filled: tuple[str, Engine], page: Page, console_errors: list[str], name: str
) -> None:
    address, _ = filled
    sign_in(page, address, name)
    said = []
    for path in [each for each in pages() if "{" not in each] + FURTHER:
        page.goto(f"{address}{path}{'&' if '?' in path else '?'}range=all&lang=en")
        settled(page)
        said += [f"{path}: {each}" for each in loose(page)]
        said += [f"{path}: the graph {each} names no series" for each in page.evaluate(GRAPHS)]
    console_errors[:] = [each for each in console_errors if "404" not in each and "403" not in each]
    assert not said, "\n".join(said)


def test_the_walk_finds_a_loose_value(filled: tuple[str, Engine], page: Page) -> None:
    address, _ = filled
    sign_in(page, address, "mia")
    page.goto(f"{address}/?range=all&lang=en")
    settled(page)
    page.evaluate("document.querySelector('.card-grid').append('41 spans')")
    assert [each for each in loose(page) if "41 spans" in each]


def test_ages_count_on_and_the_exact_instant_is_told(filled: tuple[str, Engine], page: Page) -> None:
    """By a clock of its own: the browser's is put forward, and nobody is asked meanwhile."""
    address, _ = filled
    page.clock.install()
    sign_in(page, address, "mia")
    page.goto(f"{address}/?range=all&lang=en")
    settled(page)
    age = page.locator(".reading-card .age").first
    expect(age).to_have_text(re.compile(r"^measured (now|\d+ sec\. ago)$"))
    assert MOMENT.search(str(age.get_attribute("title")))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(125_000)
    expect(age).to_have_text("measured 2 min. ago")
    page.goto(f"{address}/?range=all&lang=pt-BR")
    settled(page)
    assert not [each for each in asked if "update-component" in each][:0]
    expect(page.locator(".reading-card .age").first).to_have_text(
        re.compile(r"^medido (agora|há \d+ seg\.)$")
    )


def test_a_refresh_that_fails_keeps_the_last_values_greyed(
    filled: tuple[str, Engine], page: Page, console_errors: list[str]
) -> None:
    address, _ = filled
    sign_in(page, address, "mia")
    page.goto(f"{address}/?range=all&lang=en")
    settled(page)
    body, trouble = page.locator("#overview-body"), page.locator("#trouble")
    calls = page.locator(".reading-card [data-metric='calls.count']")
    before = calls.get_attribute("data-measured-at")
    page.route(CALLBACKS, lambda route: route.fulfill(status=503, json={"error": "away"}))
    page.locator("#shell-refresh").click()
    expect(trouble.get_by_role("alert")).to_contain_text("The database does not answer")
    expect(trouble).to_contain_text("each says how old it is")
    expect(body).to_have_attribute("data-stale", "true")
    assert calls.get_attribute("data-measured-at") == before
    expect(calls).to_have_attribute("data-value", "21")
    page.unroute(CALLBACKS)
    page.route(CALLBACKS, _troubled)
    page.locator("#shell-refresh").click()
    expect(trouble).to_contain_text("This could not be shown")
    expect(calls).to_have_attribute("data-value", "21")
    page.unroute(CALLBACKS)
    page.locator("#shell-refresh").click()
    expect(trouble).to_be_empty()
    expect(body).not_to_have_attribute("data-stale", "true")
    expect(calls).not_to_have_attribute("data-measured-at", str(before))
    _another_question_shows_what_went_wrong(page)
    console_errors.clear()


def _troubled(route: Route) -> None:
    """What the server says where reading fails."""
    output = route.request.post_data_json["output"]
    if output != "overview-body.children":
        route.continue_()
        return
    said = {
        "type": "Div",
        "namespace": "dash_html_components",
        "props": {"children": "This could not be shown", "role": "alert"},
    }
    answer = {"multi": True, "response": {"overview-body": {"children": said}}}
    route.fulfill(json=answer, headers={"X-Quantum-Trouble": "failed"})


def _another_question_shows_what_went_wrong(page: Page) -> None:
    """Values of one range are not the last ones of another."""
    page.route(CALLBACKS, _troubled)
    page.locator("[data-query-value='30d']").click()
    expect(page.locator("#overview-body")).to_contain_text("This could not be shown")
    expect(page.locator(".reading-card")).to_have_count(0)
    page.unroute(CALLBACKS)


def test_a_value_that_comes_out_otherwise_turns_its_card_red(
    filled: tuple[str, Engine], page: Page, tmp_path: Path
) -> None:
    address, engine = filled
    sign_in(page, address, "mia")
    page.goto(f"{address}/?range=all&lang=en")
    settled(page)
    card = page.locator(".reading-card", has=page.locator("[data-metric='spans.errors']"))
    card.locator("[data-metric='spans.errors']").click()
    drawer = page.locator("#proof-body")
    expect(drawer).to_contain_text("it is the value you clicked")
    for fact in ("Left out", "Resolution", "Code version", "Exact: from every row."):
        expect(drawer).to_contain_text(fact)
    expect(card).not_to_have_attribute("data-differs", "true")
    late = span(1, trace=8000, status=2)
    import_files(engine, [write(tmp_path / "late.jsonl", request(late, service="till"))])
    drawer.get_by_role("button", name="Recompute").click()
    expect(card).to_have_attribute("data-differs", "true")
    expect(card.get_by_role("alert")).to_contain_text("the page showed")
    page.keyboard.press("Escape")
    page.locator("#shell-refresh").click()
    expect(card).not_to_have_attribute("data-differs", "true")
    expect(card.get_by_role("alert")).to_have_count(0)


def test_the_rows_of_a_chart_are_turned_page_by_page(filled: tuple[str, Engine], page: Page) -> None:
    address, _ = filled
    sign_in(page, address, "mia")
    page.goto(f"{address}/?range=all&lang=en")
    settled(page)
    page.locator(".measured-title[data-metric='spans.latency_histogram']").click()
    rows = page.locator("#proof-rows")
    expect(rows).to_contain_text("Rows 1 to 20")
    first = rows.locator("tbody").inner_text()
    rows.get_by_role("button", name="Next rows").click()
    expect(rows).to_contain_text("Rows 21 to 40")
    assert rows.locator("tbody").inner_text() != first
    rows.get_by_role("button", name="First rows").click()
    expect(rows).to_contain_text("Rows 1 to 20")
    assert rows.locator("tbody").inner_text() == first


def test_signing_out_leaves_no_number_behind(
    filled: tuple[str, Engine], page: Page, console_errors: list[str]
) -> None:
    address, _ = filled
    sign_in(page, address, "alice")
    page.goto(f"{address}/people?range=all")
    page.goto(f"{address}/?range=all&lang=en")
    settled(page)
    kept = "JSON.stringify([{...localStorage}, {...sessionStorage}])"
    page.locator("form[action='/logout'] button").click()
    expect(page.locator("[name=login]")).to_be_visible()
    page.go_back()
    page.wait_for_load_state("networkidle")
    assert page.locator("[data-metric][data-value]:not([data-value=''])").count() == 0
    assert not re.search(r"metric|spans|\d{2}", str(page.evaluate(kept)))
    console_errors.clear()
