"""Hostile text that is stored comes back as text: in every list, on every row's page, in every figure and title."""

import json
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dash
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select

from auth import machines
from components.figures.bars import category_bars
from components.figures.network import network_figure
from components.figures.network_flat import network_figure_2d
from components.links import agent_address, link_to, with_query
from db.models import Span
from db.services.otlp_files import import_files
from tests.components.readings import Series
from tests.fuzz import oracles, stored
from tests.fuzz.doors import callback_call, discover, filled, page_of
from tests.fuzz.nasty import HALVES, LINKS, MARK, MARKUP, TEXTS
from tests.fuzz.world import ADMIN, PASSWORD, Call, World, world
from tests.otlp import attribute, request, span, write
from tests.reader import elements
from tests.sessions import session


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("stored")) as made:
        yield made


# No script of a stored text ran, and nothing was written where all objects look.
UNTOUCHED = "() => { for (const key in {}) return false; return window.__pwned === undefined }"


def drawn(made: World, address: str) -> list[Any]:
    """All that the page at `address` shows: the document, its frame, its outline and what its callbacks bring."""
    parts, trees = urlsplit(address), []
    calls = [
        Call("GET", parts.path, query=parts.query),
        Call("GET", "/_dash-layout", headers={"Referer": f"http://localhost{address}"}),
    ]
    told = {
        f"{where}.{name}": value
        for where in ("url", "_pages_location")
        for name, value in (("pathname", parts.path), ("search", f"?{parts.query}"))
    }
    calls += [callback_call(made, entry, told, address) for entry in _entries(made, address)]
    for call in calls:
        answer = made.try_out(call)
        oracles.check(answer)
        assert answer.status in (200, 204, 409), (address, answer.text)
        if answer.kind == "application/json":
            trees.append(json.loads(answer.body))
    return trees


def _entries(made: World, address: str) -> Iterator[dict[str, Any]]:
    """The router, and the callbacks that fill the page without being asked."""
    doors, _ = discover(made)
    page = next((door for door in doors if door.kind == "page" and door.base.path == page_of(address)), None)
    if page is None:  # a form that the server draws
        return iter(())
    return (entry for entry in page.entries if entry["inputs"][0]["property"] in ("search", "id", "pathname"))


def test_every_table_that_holds_text_holds_hostile_text(made: World) -> None:
    taken = stored.spoil(made.engine)
    made._restore()
    print(
        "\n"
        + "\n".join(f"  {table}: {', '.join(sorted(columns))}" for table, columns in sorted(taken.items()))
    )
    assert sum(map(len, taken.values())) > 100 and len(taken) >= 28


def for_people(addresses: Iterable[str]) -> list[str]:
    """Without the doors for programs: what they answer is no page and takes no language."""
    return [each for each in addresses if not each.startswith(machines.DOORS)]


def test_stored_markup_is_text_on_every_page(made: World) -> None:
    """Every page, every list and its filters, every row's page, every view of the map, in both languages."""
    _, found = discover(made)
    pages = [entry["path"] for entry in dash.page_registry.values()]
    addresses = sorted({*for_people(found.addresses), *(f"{path}?range=all" for path in pages)})
    addresses += ["/map?range=all&view=table", "/map?range=all&view=2d", "/map?range=all&view=3d"]
    seen: dict[str, int] = {}
    for place, address in enumerate(addresses):
        joint = "&" if "?" in address else "?"
        for tree in drawn(made, f"{address}{joint}lang={('en', 'pt-BR')[place % 2]}"):
            page = urlsplit(address).path.split("/")[1]
            seen[page] = seen.get(page, 0) + json.dumps(tree).count(f"<{MARK}")
    print(f"\n{len(addresses)} addresses; the mark as text: {seen}")
    modules = [entry["path"].strip("/") for entry in dash.page_registry.values() if "nav" in entry]
    assert all(seen.get(module) for module in [*modules, "", "agents", "map", "profile"]), seen


def test_a_browser_runs_none_of_what_is_stored(
    made: World, serve: Callable[..., str], page: Page, console_errors: list[str]
) -> None:
    """A script that ran would leave its mark, one that was stopped a line on the console, which fails the test."""
    _, found = discover(made)  # before signing in: each look puts the database back
    url = serve(made.app)
    page.goto(f"{url}/login?lang=en")
    page.fill("#login", ADMIN)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    rows = {}
    for address in sorted(for_people(found.addresses)):
        rows.setdefault("/".join(urlsplit(address).path.split("/")[:3]), address)
    pages = [
        f"{entry['path']}?range=all"
        for entry in dash.page_registry.values()
        if not entry.get("path_template")
    ]
    for address in [*pages, *rows.values(), "/map?range=all&view=2d", "/map?range=all&view=table"]:
        page.goto(url + address)
        if "/account/" in address:  # the last administrator cannot close it, with the status that says so
            console_errors[:] = [each for each in console_errors if "409" not in each]
        # The first, for what draws the description of the API brings its own.
        expect(page.locator("h1").first).to_be_visible()
        expect(page.locator(".skeleton"), address).to_have_count(0)
        assert page.evaluate(UNTOUCHED), address
        assert page.locator(MARK).count() == 0, address
    # Nobody reads more pages a minute than may report their times; this walk does.
    console_errors[:] = [each for each in console_errors if not ("429" in each and "/measured" in each)]
    assert not console_errors


# --- holes that were published of products like this one ------------------------------------------


@pytest.mark.parametrize("text", [*LINKS, *MARKUP, "..", "//x", "a//b", "", "\u202e"])
def test_cve_2024_21485_no_javascript_links(text: str) -> None:
    """Whatever an agent, a row or a query is called, a link to it stays in this application."""
    addresses = [
        agent_address("?range=all", text),
        link_to("/agents", f"?range={text}", search=text),
        "/agents" + with_query("?a=b", list=text),
    ]
    for address in addresses:
        assert address.startswith("/agents") and oracles.is_harmless(address)
        assert not {"<", ">", '"', " ", "\t"} & set(address)


def test_cve_2024_21485_no_javascript_links_are_drawn(made: World) -> None:
    links = [
        each["props"]["href"]
        for address in ("/?range=all", "/agents?range=all", "/profile", "/map?range=all&view=table")
        for tree in drawn(made, address)
        for each in elements(tree)
        if each["props"].get("href")
    ]
    assert len(links) > 50 and any("javascript" in link for link in links), "hostile ids are linked"
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links)


@pytest.mark.parametrize("text", MARKUP)
def test_cve_2021_32609_titles_are_text(made: World, text: str) -> None:
    answer = made.try_out(Call("GET", filled("/agents/<agent>", {"agent": text})))
    oracles.check(answer)
    title = answer.text.partition("<title>")[2].partition("</title>")[0]
    assert unescape(title).startswith(text[:80]) and "<" not in title


def node(name: str, **more: Any) -> dict[str, Any]:
    told = {"origin": "telemetry", "state": "failing", "calls": 1, "spans": 1, "errors": 1, "p50_ms": 1.0}
    places = {"p95_ms": 1.0, "x": 0.0, "y": 0.0, "z": float(len(name)), "positioned": "computed"}
    return {"id": name, "name": name, "group": name, **told, **places, **more}


def test_cve_2025_2703_figure_json_is_data() -> None:
    """Plotly reads tags and placeholders in names, hover texts and ticks; those of people and telemetry it must not."""
    said = [text for text in TEXTS if len(text) < 200 and text.strip() and text not in HALVES]
    nodes = [node(f"{text} {place}") for place, text in enumerate(said)]
    ends = [each["id"] for each in nodes]
    told = {"kind": "data", "calls": 1, "errors": 0, "p50_ms": 1.0, "p95_ms": 1.0, "strength": None}
    edges = [
        {"source": one, "target": other, "evidence": "measured", **told}
        for one, other in zip(ends, ends[1:], strict=False)
    ]
    bars = Series(rows=tuple({"label": text, "count": 1} for text in said))
    figures = [
        draw(nodes, edges, lang="en", theme="dark", selected=ends[0])
        for draw in (network_figure, network_figure_2d)
    ]
    figures.append(json.loads(category_bars(bars, "en", "dark").to_json()))
    for figure in figures:
        assert not list(oracles.figure_problems(figure, "figure"))
        assert unescape(json.dumps(figure)).count(f"<{MARK}"), "shown as text, not left out"


def test_langfuse_attribute_keys_are_data(engine: Engine, tmp_path: Path) -> None:
    """Keys that other programs trip over are kept as they are, or refused by name; the spans beside them stay."""
    odd = [
        "constructor",
        "prototype",
        "toString",
        "hasOwnProperty",
        "a.__proto__.b",
        "$where",
        "{n}",
        f"<{MARK}>",
        "=1+1",
    ]
    kept = span(1, name="kept")
    kept["attributes"] += [attribute(key, key) for key in odd]
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(200):
        deep = {"kvlistValue": {"values": [{"key": "constructor", "value": deep}]}}
    hostile = {
        "__proto__": [attribute("__proto__", "x")],
        "inner __proto__": [
            {"key": "a", "value": {"kvlistValue": {"values": [attribute("__proto__", "x")]}}}
        ],
        "deep": [{"key": "deep", "value": deep}],
        "many": [attribute(f"k{place}", place) for place in range(2000)],
        "long key": [attribute("k" * 5000, "x")],
        "huge": [attribute("k", "x" * (2 * 1024 * 1024))],
    }
    refused = [
        {**span(place, name=name), "attributes": attributes}
        for place, (name, attributes) in enumerate(hostile.items(), 2)
    ]
    file = write(tmp_path / "odd.jsonl", request(kept, *refused))
    report = import_files(engine, [file])
    assert report.spans == 1 and len(report.refused) == len(hostile), report
    assert all(each.reason for each in report.refused)
    with session(engine) as unit:
        (attributes,) = unit.scalars(select(Span.attributes))
    assert {key: attributes[key] for key in odd} == {key: key for key in odd}
