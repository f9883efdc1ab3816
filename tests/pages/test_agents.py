"""The list of agents: searched, filtered, sorted and paged by the server, its wishes in the address."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, insert

from db.catalogue.loader import seed
from db.models import Agent
from db.queries.agents import ORDERS
from tests.reader import PASSWORD, Reader, elements, hrefs, readings, words
from tests.sessions import session

LIST = "..agents-list.children...agents-menus.children.."


def listed(reader: Reader, search: str) -> Any:
    answer = reader.post(LIST, {"url.search": search})
    assert answer.status_code == 200, answer.text
    return answer.get_json()["response"]["agents-list"]["children"]


def names(tree: Any) -> list[str]:
    found = [each["props"] for each in elements(tree) if each["props"].get("className") == "agent-link"]
    return [props["children"] for props in found]


def add(engine: Engine, *rows: dict[str, Any]) -> None:
    with session(engine, write=True) as unit:
        unit.execute(insert(Agent), [{"origin": "telemetry", "meta": {}} | row for row in rows])


def test_the_list_shows_what_each_agent_did(alice: Reader, fleet: None) -> None:
    drawn = listed(alice, "?range=all&search=till&lang=en")
    assert names(drawn) == ["till"]
    assert readings(drawn) == {
        "agent.spans": "20",
        "agent.errors": "1",
        "agent.calls_in": "20",
        "agent.calls_out": "0",
        "agent.latency_p50_ms": "2.0",
        "agent.latency_p95_ms": "2.0",
        "agent.efficiency": "95.0",
        "agent.stored_efficiency": "",
    }
    assert "Failing" in words(drawn) and "unassigned" in words(drawn)


def test_every_order_goes_both_ways(alice: Reader, fleet: None, engine: Engine) -> None:
    add(engine, {"id": "aaa", "name": "aaa"})
    for order in ORDERS:
        rising = names(listed(alice, f"?range=all&order={order}"))
        falling = names(listed(alice, f"?range=all&order=-{order}"))
        assert sorted(rising) == sorted(falling) == ["aaa", "shop", "till"], order
    assert names(listed(alice, "?range=all&order=-p50")) == ["shop", "till", "aaa"], "unknown comes last"
    assert names(listed(alice, "?range=all&order=p50")) == ["till", "shop", "aaa"], "unknown comes last"
    assert names(listed(alice, "?range=all&order=-errors"))[0] == "till"


def test_filters_narrow_and_say_so(alice: Reader, fleet: None, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        seed(unit)
    assert names(listed(alice, "?range=all&origin=telemetry")) == ["shop", "till"]
    assert names(listed(alice, "?range=all&state=failing")) == ["till"]
    assert names(listed(alice, "?range=all&squad=none&state=observed")) == ["shop"]
    assert "139 agents match" in words(listed(alice, "?range=all&origin=catalogue&lang=en"))
    core = listed(alice, "?range=all&squad=CORE&lang=en")
    assert "agents match" in words(core) and names(core) and "shop" not in names(core)


@pytest.mark.parametrize("text", ["%", "_", "100%", "a_b", "\\", "'", "ÉÇ"])
def test_a_search_means_the_characters_it_is_made_of(alice: Reader, engine: Engine, text: str) -> None:
    add(engine, {"id": "1", "name": f"x{text}y"}, {"id": "2", "name": "axb 100 z"})
    assert names(listed(alice, f"?range=all&search={quote(text)}")) == [f"x{text}y"]


def test_nothing_found_says_what_was_asked_and_offers_the_way_back(alice: Reader, fleet: None) -> None:
    drawn = listed(alice, "?range=all&search=zebra&state=failing&order=-p95&lang=en")
    assert "No agent fits the search “zebra” and the state Failing." in words(drawn)
    clear = next(link for link in hrefs(drawn) if link.startswith("/agents"))
    assert clear == "/agents?range=all&order=-p95&lang=en"
    assert names(listed(alice, clear.removeprefix("/agents"))) == ["shop", "till"]


def test_without_any_agent_the_command_is_given(alice: Reader) -> None:
    assert ".venv/bin/quantum seed" in words(listed(alice, "?range=all&lang=en"))


def test_thousands_of_agents_are_paged_by_the_server(alice: Reader, engine: Engine) -> None:
    add(engine, *({"id": f"agent/{number:04}", "name": f"Agent {number:04}"} for number in range(3001)))
    first = listed(alice, "?range=all&order=name&squad=none&lang=en")
    assert "3,001 agents match" in words(first) and "Page 1 of 121" in words(first)
    assert names(first) == [f"Agent {number:04}" for number in range(25)]
    following = next(link for link in hrefs(first) if "page=2" in link)
    assert set(following.partition("?")[2].split("&")) == {
        "range=all",
        "order=name",
        "squad=none",
        "lang=en",
        "page=2",
    }
    assert names(listed(alice, following.removeprefix("/agents")))[0] == "Agent 0025"
    assert names(listed(alice, "?range=all&order=name&page=121")) == ["Agent 3000"]
    assert names(listed(alice, "?range=all&order=name&page=999999")) == ["Agent 3000"], (
        "the last page there is"
    )


@pytest.mark.parametrize(
    "search",
    [
        "page=-1",
        "page=x",
        "page=99999999999999999999",
        "page=²",
        "order=password",
        "order=--p50",
        "search=%00",
        "origin=%00",
        "state=x&squad=x&origin=x",
        "range=rubbish",
    ],
)
def test_an_address_nobody_writes_breaks_nothing(alice: Reader, fleet: None, search: str) -> None:
    drawn = listed(alice, f"?{search}&lang=en")
    assert "This could not be shown" not in words(drawn)
    assert names(drawn) or "No agent matches" in words(drawn)


def test_an_empty_range_says_where_the_data_is(alice: Reader, fleet: None) -> None:
    drawn = listed(alice, "?range=24h&lang=en&state=unknown")
    assert "No data in the chosen range." in words(drawn)
    there = next(link for link in hrefs(drawn) if "2023-11-14T22:13:00Z" in link)
    assert "state=unknown" in there, "the filters stay"


def test_names_lead_to_the_agent_and_keep_the_range(alice: Reader, engine: Engine) -> None:
    odd = {
        "a//b": "id=a//b",
        "..": "id=..",
        "a/../b": "id=a/../b",
        "é ?#&%2F": "/agents/%C3%A9%20%3F%23%26%252F",
    }
    add(engine, *({"id": agent, "name": agent} for agent in odd))
    drawn = listed(alice, "?range=all&lang=en&order=name&search=")
    addresses = {
        each["props"]["children"]: each["props"]["href"]
        for each in elements(drawn)
        if each["props"].get("className") == "agent-link"
    }
    for agent, part in odd.items():
        assert (
            part in addresses[agent] and "range=all" in addresses[agent] and "order" not in addresses[agent]
        )


@pytest.mark.databases("sqlite")
def test_it_speaks_portuguese(alice: Reader, fleet: None) -> None:
    said = words(listed(alice, "?range=all&lang=pt-BR"))
    assert "2 agentes" in said and "sem esquadrão" in said and "Chamadas recebidas" in said
    assert "unassigned" not in said


@pytest.mark.databases("sqlite")
def test_a_person_searches_sorts_and_asks_how_a_number_is_made(
    live_server: str, fleet: None, alice: Reader, page: Page
) -> None:
    page.goto(f"{live_server}/login?lang=en&next=/agents%3Frange%3Dall%26lang%3Den")
    page.fill("#login", "alice")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator(".agent-link")).to_have_count(2)
    page.fill("#agents-search", "til")
    expect(page.locator(".agent-link")).to_have_text(["till"])
    assert "search=til" in page.url and "range=all" in page.url
    expect(page.locator("#agents-search")).to_be_focused()
    page.click("text=Clear filters")
    expect(page.locator(".agent-link")).to_have_count(2)
    expect(page.locator("#agents-search")).to_have_value("")
    page.click("th >> text=Errors")
    expect(page.locator(".agent-link")).to_have_text(["till", "shop"])
    page.locator("#agents-table [data-metric='agent.spans']").first.click()
    expect(page.locator("#proof [data-metric='agent.spans']")).to_have_attribute("data-value", "20")
    expect(page.locator("#proof .proof-check")).to_have_attribute("data-same", "true")


def test_a_clock_far_from_ours_is_flagged_and_one_that_is_near_is_not(alice: Reader, engine: Engine) -> None:
    add(
        engine,
        {"id": "fast", "name": "fast", "clock_drift_ms": 16_100},
        {"id": "slow", "name": "slow", "clock_drift_ms": -90_500},
        {"id": "good", "name": "good", "clock_drift_ms": 16_000},
    )
    said = {
        name: words(listed(alice, f"?range=all&search={name}&lang=en")) for name in ("fast", "slow", "good")
    }
    assert "clock 16.1 s ahead of ours" in said["fast"]
    assert "clock 90.5 s behind ours" in said["slow"]
    assert "clock" not in said["good"]
