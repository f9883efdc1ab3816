"""How the map is shown: in space, flat or as a table, by the address and by what the browser can do."""

import pytest
from sqlalchemy import Engine, insert

from db.metric import Window
from db.models import AgentConnection
from db.queries import connections, held_connections
from db.queries.agents import AgentFilter
from tests.pages.test_map import agents, drawn
from tests.reader import Reader, elements, words
from tests.sessions import session

SEEN = {"3d": "map-page is-map", "2d": "map-page is-map is-flat", "table": "map-page is-table"}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("asked", "wish", "mode"),
    [
        ("", "", "3d"),
        ("", "narrow", "2d"),
        ("", "none", "2d"),
        ("3d", "narrow", "3d"),
        ("3d", "none", "2d"),
        ("2d", "", "2d"),
        ("table", "none", "table"),
        ("x", "", "3d"),
    ],
)
def test_the_address_decides_and_else_the_browser(
    alice: Reader, fleet: None, asked: str, wish: str, mode: str
) -> None:
    parts = drawn(alice, f"?range=all&lang=en&view={asked}", **{"map-wish.data": wish})
    assert parts["page"] == SEEN[mode]
    assert (parts["graph"] is not None, parts["flat"] is not None) == (mode == "3d", mode == "2d")
    assert ("cannot draw in 3D" in words(parts["said"])) == (asked == "3d" and wish == "none")


def test_the_flat_map_follows_filters_and_shows_the_chosen_connection(alice: Reader, fleet: None) -> None:
    whole = drawn(alice, "?range=all&lang=en&view=2d")
    assert sorted(agents(whole["flat"])["customdata"]) == ["shop", "till"]
    assert "Operational: 0" in words(whole["legend"])
    some = drawn(alice, "?range=all&lang=en&view=2d&search=till&caller=shop&callee=till")
    assert agents(some["flat"])["customdata"] == ["till"]
    assert "shop" in words(some["connection"]) and "till" in words(some["connection"])


def test_imported_connections_are_said_and_shown_on_both_agents_pages(
    alice: Reader, engine: Engine, fleet: None
) -> None:
    meta = {"evidence": "imported", "weight": 4.0, "stated": ["chemical"], "source": "worm"}
    with session(engine, write=True) as unit:
        rows = [{"agent_a_id": "till", "agent_b_id": "shop", "strength": 0.25, "meta": meta}]
        unit.execute(insert(AgentConnection), rows)
    for agent, way in (("till", "to"), ("shop", "from")):
        body = alice.body("agent", "?lang=en&range=all", **{"url.pathname": f"/agents/{agent}"})
        said = words(body)
        assert "Imported and declared" in said and "(chemical)" in said and f" {way} " in said
        assert "imported · worm" in said and "0.25" in said
    body = alice.body("agent", "?lang=en&range=all&held_page=9", **{"url.pathname": "/agents/till"})
    assert "imported · worm" in words(body)


def test_an_agent_without_stated_connections_has_no_such_table(alice: Reader, fleet: None) -> None:
    body = alice.body("agent", "?lang=en&range=all", **{"url.pathname": "/agents/till"})
    assert "Imported and declared" not in words(body)


def test_the_weakest_imported_connections_beyond_the_limit_are_counted(
    alice: Reader, engine: Engine, fleet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {
            "agent_a_id": a,
            "agent_b_id": b,
            "connection_type": kind,
            "strength": s,
            "meta": {"evidence": "imported"},
        }
        for a, b, kind, s in (
            ("till", "shop", "neural", 0.1),
            ("till", "shop", "sync", 0.9),
            ("shop", "till", "sync", None),
        )
    ]
    with session(engine, write=True) as unit:
        unit.execute(insert(AgentConnection), rows)
    monkeypatch.setattr(held_connections, "MOST_HELD", 1)
    with session(engine) as unit:
        found = connections.network(unit, Window.parse("all"), AgentFilter())
    held = [edge for edge in found.edges if edge["evidence"] == "imported"]
    assert [(edge["kind"], edge["strength"]) for edge in held] == [
        ("sync", 0.9)
    ] and found.edges_left_out == 2
    assert "2 connections are left out" in words(drawn(alice, "?range=all&lang=en&view=2d")["said"])


def test_a_source_can_be_chosen_on_the_map_and_in_the_list(alice: Reader, fleet: None) -> None:
    parts = drawn(alice, "?range=all&lang=en&source=fleet")
    assert sorted(agents(parts["graph"])["customdata"]) == ["shop", "till"]
    assert any(each["props"].get("id") == "map-source" for each in elements(parts["menus"]))
    none = drawn(alice, "?range=all&lang=en&source=elsewhere")
    assert "No agent fits" in words(none["said"])
