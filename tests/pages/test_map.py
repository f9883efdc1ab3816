"""The map: the same agents and connections as picture and table, one instant, and a way out of every empty state."""

from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, insert

import pages._map_parts
from components.figures.network import network_figure
from db.catalogue.loader import seed
from db.models import Agent, AgentConnection, NetworkNode
from db.queries import connections
from tests.reader import Reader, elements, hrefs, readings, words
from tests.sessions import session

OUTPUTS = (
    "map-said",
    "map-menus",
    "map-graph-packed",
    "map-flat-packed",
    "map-search",
    "map-connection",
    "map-legend",
    "map-table",
    "map-page",
)
PARTS = (
    "children",
    "children",
    "data",
    "data",
    "options",
    "children",
    "children",
    "children",
    "className",
)
MAP = ".." + "...".join(f"{one}.{part}" for one, part in zip(OUTPUTS, PARTS, strict=True)) + ".."


def drawn(reader: Reader, search: str, **more: Any) -> dict[str, Any]:
    """What the page's callback answers for a query, by part."""
    answer = reader.post(MAP, {"url.search": search, "map-narrow.data": False, **more})
    assert answer.status_code == 200, answer.text
    given = answer.get_json()["response"]
    return {
        one.removeprefix("map-").removesuffix("-packed"): given[one][part] if one in given else None
        for one, part in zip(OUTPUTS, PARTS, strict=True)
    }


def agents(figure: dict[str, Any]) -> dict[str, Any]:
    return next(trace for trace in figure["data"] if trace.get("meta") == "agents")


def unpacked(column: Any) -> list[float]:
    """A column of a figure, whether it was long enough to be packed or not."""
    if isinstance(column, list):
        return column
    steps = np.frombuffer(b64decode(column["i2"]), "<i2")
    return [float(each) for each in column["middle"] + column["scale"] * steps]


def names(tree: Any) -> list[str]:
    found = [each["props"] for each in elements(tree) if each["props"].get("className") == "agent-link"]
    return [props["children"] for props in found]


def connect(engine: Engine, one: str, other: str, evidence: str) -> None:
    with session(engine, write=True) as unit:
        row = {"agent_a_id": one, "agent_b_id": other, "meta": {"evidence": evidence}, "strength": 0.5}
        unit.execute(insert(AgentConnection), [row])


def place(engine: Engine, count: int) -> list[str]:
    """So many further agents, all at one place on the map."""
    ids = [f"x{number:02}" for number in range(count)]
    spot = {
        "node_type": "agent",
        "position_x": 1,
        "position_y": 1,
        "position_z": 1,
        "meta": {"position": "computed"},
    }
    with session(engine, write=True) as unit:
        unit.execute(
            insert(Agent), [{"id": one, "name": one, "origin": "telemetry", "meta": {}} for one in ids]
        )
        unit.execute(insert(NetworkNode), [{"agent_id": one, "node_name": one, **spot} for one in ids])
    return ids


@pytest.fixture
def catalogue(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        seed(unit)


def test_agents_and_connections_are_drawn_where_they_are_stored(alice: Reader, fleet: None) -> None:
    figure = drawn(alice, "?range=all&lang=en")["graph"]
    assert sorted(agents(figure)["customdata"]) == ["shop", "till"]
    dots = next(trace for trace in figure["data"] if trace.get("meta") == "edges")
    assert dots["customdata"] == [["shop", "till"]] and "Calls: 20" in dots["text"][0]
    squads = figure["layout"]["meta"]["words"]["squads"]
    assert [squad["hull"] for squad in squads] == [True], "their source is their hull"
    assert sorted(figure["layout"]["meta"]["words"]["names"]) == ["shop", "till"]


def test_the_numbers_beside_it_are_readings_of_one_instant(alice: Reader, fleet: None) -> None:
    said = drawn(alice, "?range=all&lang=en")["said"]
    assert readings(said) == {"fleet.agents_observed": "2", "fleet.connections": "1", "calls.count": "20"}
    table = drawn(alice, "?range=all&lang=en&view=table")
    shown = [each["props"] for part in table.values() for each in elements(part)]
    assert len({props["data-measured-at"] for props in shown if "data-measured-at" in props}) == 1


def test_the_table_says_what_the_picture_shows(alice: Reader, fleet: None, catalogue: None) -> None:
    parts = drawn(alice, "?range=all&lang=en&view=table")
    assert parts["graph"] is None, "the picture stays as it was, and is not sent"
    assert parts["page"] == "map-page is-table"
    assert names(parts["table"])[:2] == ["shop", "till"]
    assert readings(parts["table"]) == {
        "connection.calls": "20",
        "connection.errors": "1",
        "connection.latency_p50_ms": "2.0",
        "connection.latency_p95_ms": "2.0",
    }
    assert "139 agents without a connection" in words(parts["table"])
    alone = names(parts["table"])[2:]
    assert len(alone) == 139 and "shop" not in alone


@pytest.mark.parametrize(
    "search", ["origin=telemetry", "search=il&origin=telemetry", "state=failing", "squad=none&state=observed"]
)
def test_picture_table_and_search_follow_the_same_filters(
    alice: Reader, fleet: None, catalogue: None, search: str
) -> None:
    picture = drawn(alice, f"?range=all&lang=en&{search}")
    ids = set(agents(picture["graph"])["customdata"])
    assert ids and ids <= {"shop", "till"}
    assert {option["value"] for option in picture["search"]} == ids
    table = drawn(alice, f"?range=all&lang=en&{search}&view=table")["table"]
    assert set(names(table)) == ids
    assert bool(readings(table)) == (ids == {"shop", "till"}), "a connection needs both its ends"


def test_a_filter_moves_nothing(alice: Reader, fleet: None, catalogue: None) -> None:
    whole, part = (drawn(alice, f"?range=all&{search}")["graph"] for search in ("", "squad=CORE"))
    assert part["layout"]["scene"] == whole["layout"]["scene"]
    where = dict(zip(agents(whole)["customdata"], unpacked(agents(whole)["x"]), strict=True))
    moved = [
        abs(where[one] - x)
        for one, x in zip(agents(part)["customdata"], unpacked(agents(part)["x"]), strict=True)
    ]
    assert max(moved) < 1e-3 * max(map(abs, where.values()))


def test_the_catalogue_alone_is_drawn_with_state_unknown_and_says_why_nothing_is_connected(
    alice: Reader, catalogue: None
) -> None:
    parts = drawn(alice, "?lang=en")
    assert len(agents(parts["graph"])["customdata"]) == 139
    assert set(agents(parts["graph"])["marker"]["color"]) == {0}
    assert not [trace for trace in parts["graph"]["data"] if trace.get("mode") == "lines"]
    assert "No call was recorded yet" in words(parts["said"])
    assert ".venv/bin/quantum import otlp FILE" in words(parts["said"])
    assert "nearness is no measurement: 139" in words(parts["legend"])
    assert readings(parts["said"])["fleet.connections"] == "0"


def test_an_empty_range_offers_the_time_that_has_data(alice: Reader, fleet: None) -> None:
    said = drawn(alice, "?range=24h&lang=en&origin=telemetry")["said"]
    assert "No data in the chosen range." in words(said)
    there = next(link for link in hrefs(said) if "2023-11-14T22:13:00Z" in link)
    assert "origin=telemetry" in there
    assert readings(drawn(alice, there)["said"])["calls.count"] == "20"


def test_without_any_agent_the_command_is_given(alice: Reader) -> None:
    parts = drawn(alice, "?lang=en")
    assert ".venv/bin/quantum seed" in words(parts["said"]) and parts["page"] == "map-page is-empty"


def test_a_filter_nobody_fits_offers_the_way_back(alice: Reader, fleet: None) -> None:
    parts = drawn(alice, "?range=all&lang=en&search=zebra&view=table")
    assert "No agent matches" in words(parts["said"]) and not names(parts["table"])
    clear = next(link for link in hrefs(parts["said"]) if link.startswith("/map"))
    assert clear == "/map?range=all&lang=en&view=table"


def test_what_the_map_has_no_room_for_is_counted(
    alice: Reader, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(engine, 12)
    monkeypatch.setattr(pages._map_parts, "LARGEST_SCENE", 10)
    monkeypatch.setattr(connections.network, "__defaults__", (10,))
    parts = drawn(alice, "?range=all&lang=en")
    assert "2 agents are left out." in words(parts["said"]) and "the 10 agents with the most calls" in words(
        parts["said"]
    )
    assert len(agents(parts["graph"])["customdata"]) == 10
    beyond = drawn(alice, "?range=all&lang=en&search=x11")
    assert agents(beyond["graph"])["customdata"] == ["x11"], "a filter reaches what was left out"


def test_a_connection_in_the_address_shows_its_numbers_and_leads_to_both_ends(
    alice: Reader, fleet: None
) -> None:
    parts = drawn(alice, "?range=all&lang=en&caller=shop&callee=till")
    assert readings(parts["connection"])["connection.calls"] == "20"
    assert names(parts["connection"]) == ["shop", "till"]
    assert "/map?range=all&lang=en" in hrefs(parts["connection"]), "the way to close it"
    chosen = parts["graph"]["layout"]["meta"]["words"]["chosen"]
    assert [agents(parts["graph"])["customdata"][row] for row in chosen] == ["shop", "till"]
    other = drawn(alice, "?range=all&lang=en&caller=till&callee=shop")["connection"]
    assert not readings(other) and "No call between these two is recorded" in words(other)


def test_declared_and_imported_connections_are_no_measured_ones(
    alice: Reader, fleet: None, engine: Engine
) -> None:
    connect(engine, "till", "shop", "declared")
    table = drawn(alice, "?range=all&lang=en&view=table&order=evidence")["table"]
    rows = [words(each) for each in elements(table) if each["type"] == "Tr"]
    assert "declared" in rows[1] and "—" in rows[1] and "recorded calls" in rows[2]
    assert "Declared; no call" in words(
        drawn(alice, "?range=all&lang=en&caller=till&callee=shop")["connection"]
    )


def test_the_table_sorts_both_ways_and_pages(alice: Reader, fleet: None, engine: Engine) -> None:
    for one in place(engine, 30):
        connect(engine, one, "shop", "declared")
    asked = "?range=all&lang=en&view=table"
    for order in ("calls", "-calls", "p95", "-errors"):
        assert names(drawn(alice, f"{asked}&order={order}")["table"])[:2] == ["shop", "till"], (
            "unknown comes last"
        )
    assert names(drawn(alice, f"{asked}&order=-caller")["table"])[:2] == ["x29", "shop"]
    last = drawn(alice, f"{asked}&order=caller&page=99")["table"]
    assert names(last)[-2:] == ["x29", "shop"] and "Page 2 of 2" in words(last)


@pytest.mark.parametrize(
    "search",
    [
        "page=-1",
        "page=²",
        "order=password",
        "order=--calls",
        "search=%00",
        "view=x",
        "caller=a",
        "callee=%00&caller=%3Cb%3E",
        "range=rubbish&view=table",
    ],
)
def test_an_address_nobody_writes_breaks_nothing(alice: Reader, fleet: None, search: str) -> None:
    parts = drawn(alice, f"?range=all&lang=en&{search}")
    assert "could not be shown" not in words(parts["said"]) and parts["page"]


@pytest.mark.databases("sqlite")
def test_an_agent_found_by_search_is_marked_with_its_neighbours(
    alice: Reader, fleet: None, catalogue: None
) -> None:
    figure = drawn(alice, "?range=all&lang=en", **{"map-search.value": "till"})["graph"]
    told = figure["layout"]["meta"]["words"]
    assert [agents(figure)["customdata"][row] for row in told["first"]][:2] == ["till", "shop"]
    assert told["chosen"] == told["first"][:1]


@pytest.mark.databases("sqlite")
def test_a_click_leads_to_the_agent_or_shows_the_connection(alice: Reader, fleet: None) -> None:
    def led(picked: Any, search: str = "?range=all&view=map&search=x") -> Any:
        return alice.post("map-go.href", {"map-picked.data": picked, "url.search": search})

    def address(picked: Any) -> str:
        return str(led(picked).get_json()["response"]["map-go"]["href"])

    assert address({"id": "a b/c", "edge": None}) == "/agents/a%20b/c?range=all"
    edge = address({"id": "till", "edge": {"source": "shop", "target": "till"}})
    assert edge == "/map?range=all&view=map&search=x&caller=shop&callee=till"
    for nonsense in (None, {}, {"id": 7}, "x", {"id": ""}):
        assert led(nonsense).status_code == 204


@pytest.mark.databases("sqlite")
def test_it_speaks_portuguese(alice: Reader, fleet: None) -> None:
    picture, table = (drawn(alice, f"?range=all&lang=pt-BR{more}") for more in ("", "&view=table"))
    assert "agentes observados" in words(picture["said"]) and "Com falhas" in words(picture["legend"])
    assert "Chamadas" in words(table["table"]) and "recorded calls" not in words(table["table"])


@pytest.mark.databases("sqlite")
def test_all_of_it_is_read_in_one_session(
    alice: Reader, fleet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pages._view

    opened: list[int] = []
    real = pages._view.session
    monkeypatch.setattr(
        pages._view, "session", lambda *given, **more: opened.append(1) or real(*given, **more)
    )
    drawn(alice, "?range=all&search=till&caller=shop&callee=till")
    assert len(opened) == 1


def test_the_stage_is_there_before_any_data(alice: Reader) -> None:
    assert agents(network_figure([], [], lang="en", theme="dark"))["x"] == []
