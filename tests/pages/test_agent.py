"""One agent's page: facts, state, cards, connections, spans; for any id, and for none."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, insert, update

from db.catalogue.loader import seed
from db.models import Agent
from db.services.otlp_files import import_files
from tests.otlp import BEGIN, request, span, write
from tests.reader import Reader, elements, hrefs, words
from tests.sessions import session


def drawn(reader: Reader, agent: str, search: str = "?range=all&lang=en") -> Any:
    return reader.body("agent", search, **{"url.pathname": "/agents/" + quote(agent, safe="/")})


def values(tree: Any) -> dict[tuple[str, ...], str]:
    """data-value by metric key and subject."""
    props = [each["props"] for each in elements(tree) if "data-metric" in each["props"]]
    return {(each["data-metric"], each["data-subject"]): each["data-value"] for each in props}


def test_the_cards_say_what_the_agent_did(alice: Reader, fleet: None) -> None:
    shown = values(drawn(alice, "till"))
    subject = '["till"]'
    assert shown["agent.spans", subject] == "20"
    assert shown["agent.errors", subject] == "1"
    assert shown["agent.calls_in", subject] == "20"
    assert shown["agent.calls_out", subject] == "0"
    assert shown["agent.latency_p95_ms", subject] == "2.0"
    assert shown["agent.efficiency", subject] == "95.0"
    assert shown["agent.tokens_input", subject] == "0"
    said = words(drawn(alice, "till"))
    assert "n = 20 · 95 % interval 76.4\u2060–\u206099.1 %" in said.replace("\u00a0", " ")


def test_connections_lead_to_the_other_agent_with_their_numbers(alice: Reader, fleet: None) -> None:
    till, shop = drawn(alice, "till"), drawn(alice, "shop")
    pair = '["shop", "till"]'
    for tree in (till, shop):
        assert values(tree)["connection.calls", pair] == "20"
        assert values(tree)["connection.errors", pair] == "1"
        assert values(tree)["connection.latency_p95_ms", pair] == "2.0"
    assert "/agents/shop?range=all&lang=en" in hrefs(till)
    assert "/agents/till?range=all&lang=en" in hrefs(shop)
    assert "It made no recorded call in this range." in words(till)
    assert "No call to it was recorded in this range." in words(shop)


def test_all_of_it_is_of_one_instant(alice: Reader, fleet: None) -> None:
    instants = {each["props"].get("data-measured-at") for each in elements(drawn(alice, "till"))} - {None}
    assert len(instants) == 1


def test_every_span_is_on_exactly_one_page(alice: Reader, engine: Engine, tmp_path: Path) -> None:
    """Forty-five spans, many of them of the same nanosecond: pages by key neither repeat nor skip one."""
    spans = [span(n, trace=n % 7 + 1, name=f"op-{n}", start=BEGIN + n // 20) for n in range(1, 46)]
    import_files(engine, [write(tmp_path / "many.jsonl", request(*spans, service="busy"))])
    seen: list[str] = []
    search: str | None = "?range=all&lang=en"
    while search:
        tree = drawn(alice, "busy", search)
        seen += [word for word in words(tree).split() if word.startswith("op-")]
        older = [link for link in hrefs(tree) if "before=" in link]
        assert ("Newest" in words(tree)) is (len(seen) > 20)
        search = "?" + older[0].partition("?")[2] if older else None
    assert len(seen) == 45 and set(seen) == {f"op-{n}" for n in range(1, 46)}


@pytest.mark.parametrize(
    "before", ["x", "1.2.3", f"{'9' * 19}.{'a' * 32}.{'a' * 16}", "٣.a.b", "%00", "1" * 3000]
)
def test_a_bent_cursor_shows_the_newest(alice: Reader, fleet: None, before: str) -> None:
    tree = drawn(alice, "till", f"?range=all&lang=en&before={before}")
    assert "This could not be shown" not in words(tree)
    assert any(each["props"].get("id") == "agent-last" for each in elements(tree))


def test_an_agent_without_spans_in_the_range_says_where_its_last_one_is(alice: Reader, fleet: None) -> None:
    tree = drawn(alice, "till", "?range=24h&lang=en")
    assert "No span of this agent in the chosen range." in words(tree)
    there = next(link for link in hrefs(tree) if "2023-11-14" in link)
    assert values(drawn(alice, "till", "?" + there.partition("?")[2]))["agent.spans", '["till"]'] == "20"


def test_a_catalogue_agent_tells_its_facts_and_what_would_measure_it(
    alice: Reader, fleet: None, engine: Engine
) -> None:
    with session(engine, write=True) as unit:
        seed(unit)
    said = words(drawn(alice, "orchestrator_001"))
    for part in (
        "Workflow Orchestrator",
        "mission coordination",
        "implemented as a class",
        "CORE (assigned from the domain)",
        "backend/app/agents/meta_cognitive_agents.py",
        "No span of this agent was ever stored.",
        "gen_ai.agent.id=orchestrator_001",
        "at most 5 minutes old",
    ):
        assert part in said
    assert "—" in said, "unknown latencies and efficiency are dashes"


def test_a_declared_interval_and_a_pause_are_said(alice: Reader, fleet: None, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.execute(update(Agent).where(Agent.id == "till").values(heartbeat_seconds=45))
    assert "at most 90 seconds old" in words(drawn(alice, "till"))


def test_facts_without_a_word_of_their_own_are_shown_as_stored(alice: Reader, engine: Engine) -> None:
    meta = {
        "__proto__": {"x": 1},
        "squad_basis": ["odd"],
        "kind": {"odd": 1},
        "source": 5,
        "note": "<b>bold</b>",
    }
    with session(engine, write=True) as unit:
        unit.execute(insert(Agent), [{"id": "odd", "name": "odd", "origin": "telemetry", "meta": meta}])
    said = words(drawn(alice, "odd"))
    assert "This could not be shown" not in said
    assert "<b>bold</b>" in said and '{"x": 1}' in said


@pytest.mark.parametrize(
    "agent", ["a/b", "a//b", "..", "a/../b", "é ?#&%2F", "agent", "x" * 255, "<script>", '"]']
)
def test_any_id_has_its_page(alice: Reader, engine: Engine, agent: str) -> None:
    with session(engine, write=True) as unit:
        unit.execute(insert(Agent), [{"id": agent, "name": "Odd one", "origin": "telemetry", "meta": {}}])
    by_query = alice.body(
        "agent", f"?range=all&lang=en&id={quote(agent, safe='')}", **{"url.pathname": "/agents/agent"}
    )
    for tree in (by_query, drawn(alice, agent)):
        assert "Odd one" in words(tree)
        assert values(tree)["agent.spans", values_subject(agent)] == "0"


def values_subject(agent: str) -> str:
    return json.dumps([agent], ensure_ascii=False)


@pytest.mark.parametrize("agent", ["nobody", "%00", "'; drop table agents; --", "y" * 3000])
def test_an_unknown_agent_is_said_with_two_ways_out(alice: Reader, fleet: None, agent: str) -> None:
    tree = drawn(alice, agent)
    assert "Agent not found" in words(tree)
    assert "/agents?range=all&lang=en" in hrefs(tree)
    assert any("search=" in link for link in hrefs(tree))


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("path", ["/agents/till", "/agents/a%2Fb", "/agents/agent?id=a//b", "/agents/%C3%A9"])
def test_the_server_answers_for_every_agents_address(alice: Reader, path: str) -> None:
    answer = alice.get(path)
    assert answer.status_code == 200
    assert "ALSHAM QUANTUM</title>" in answer.text


@pytest.mark.databases("sqlite")
def test_it_speaks_portuguese(alice: Reader, fleet: None) -> None:
    said = words(drawn(alice, "till", "?range=all&lang=pt-BR"))
    assert "Chamado por" in said and "Últimos spans" in said and "no máximo 5 minutos" in said
    assert "Last spans" not in said


def test_how_far_its_clock_is_off_is_told_with_when_that_was_seen(alice: Reader, engine: Engine) -> None:
    from datetime import UTC, datetime

    with session(engine, write=True) as unit:
        seen = datetime.now(UTC)
        unit.add(
            Agent(id="fast", name="fast", origin="telemetry", clock_drift_ms=20_000, clock_drift_at=seen)
        )
        unit.add(Agent(id="plain", name="plain", origin="telemetry"))
    said = {name: words(drawn(alice, name)) for name in ("fast", "plain")}
    assert "Its own clock" in said["fast"] and "clock 20.0 s ahead of ours" in said["fast"]
    assert "Its own clock" not in said["plain"]
