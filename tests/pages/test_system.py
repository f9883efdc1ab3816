"""/system: the parts, the time that was watched, round trips, and four lists."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from db.sampling import Sample
from db.services import measure
from db.services.measure import COLLECTOR, DATABASE, PARTS, WEB, Stretch
from db.services.network import settle_network
from tests.reader import Reader, hrefs, readings, words
from tests.sessions import session

OUTPUTS = "..system-top.children...system-list.children...system-menus.children.."


@pytest.fixture
def watched(engine: Engine) -> None:
    """Twelve minutes of watching, a minute of them down, with twenty round trips."""
    began = datetime.now(UTC) - timedelta(minutes=13)
    start = int(began.timestamp() * 1e9)
    with session(engine, write=True) as unit:
        measure.introduce(unit, "sqlite")
        measure.store_stretches(
            unit,
            [
                Stretch(True, began, 660, 22, "one"),
                Stretch(False, began + timedelta(seconds=660), 60, 2, "one", "Away"),
            ],
        )
        samples = [
            Sample(WEB, DATABASE, "spans.count", start + n * 10**9, 3 * 10**6, 10**6, 10**6)
            for n in range(20)
        ]
        measure.store_samples(unit, samples, "sqlite")
        measure.write_log(unit, COLLECTOR, "info", "It began to watch.")
        for part in PARTS:
            measure.heard(unit, part, datetime.now(UTC))
        settle_network(unit, own=True)


def answer(alice: Reader, search: str) -> dict[str, Any]:
    found = alice.post(OUTPUTS, {"url.search": search})
    assert found.status_code == 200, found.text
    response: dict[str, Any] = found.get_json()["response"]
    return {key.removeprefix("system-"): value["children"] for key, value in response.items()}


def test_numbers_and_coverage_are_told(alice: Reader, watched: None) -> None:
    top = answer(alice, "?range=24h&lang=en")["top"]
    shown = readings(top)
    assert float(shown["system.uptime"]) == pytest.approx(100 * 11 / 12, abs=0.01)
    assert float(shown["system.coverage"]) == pytest.approx(100 * 12 / 1440, abs=0.01)
    assert (shown["system.parts_operational"], shown["system.calls"], shown["db.failures"]) == (
        "3",
        "20",
        "0",
    )
    assert float(shown["db.latency_p50_ms"]) == float(shown["db.latency_p95_ms"]) == 1
    said = words(top).replace("\u00a0", " ")
    assert "Observed 12 min of 24 h." in said
    for name in ("Web server", "Database", "Collector", "Operational"):
        assert name in said
    assert any(address.startswith("/agents/quantum/web") for address in hrefs(top))


def test_nothing_watched_is_a_dash(alice: Reader) -> None:
    top = answer(alice, "?range=24h&lang=en")["top"]
    shown = readings(top)
    assert shown["system.uptime"] == shown["db.latency_p50_ms"] == shown["db.latency_p95_ms"] == ""
    assert float(shown["system.coverage"]) == 0
    assert "Observed 0 s of 24 h." in words(top).replace("\u00a0", " ")
    assert "introduce themselves" in words(top)


@pytest.mark.databases("sqlite")
def test_of_all_time_before_the_first_heartbeat_there_is_no_share_to_show(alice: Reader) -> None:
    said = words(answer(alice, "?range=all&lang=en")["top"])
    assert "so far it recorded none" in said and "Observed 0" not in said


@pytest.mark.databases("sqlite")
def test_a_part_heard_long_ago_is_not_said_to_have_no_signal(alice: Reader, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        measure.introduce(unit, "sqlite")
        measure.heard(unit, WEB, datetime.now(UTC) - timedelta(hours=1))
    said = words(answer(alice, "?range=24h&lang=en")["top"])
    assert said.count("No recent signal") == 1
    assert said.count("No signal recorded") == len(PARTS) - 1


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("listing", "said"),
    [
        ("measurements", "collector.up_seconds"),
        ("agentlogs", "It began to watch."),
        ("nodes", "database"),
        ("connections", "quantum/web"),
    ],
)
def test_every_list_shows_its_rows_and_leads_to_one(
    alice: Reader, watched: None, listing: str, said: str
) -> None:
    drawn = answer(alice, f"?range=24h&lang=en&list={listing}")["list"]
    assert said in words(drawn)
    row = next(address for address in hrefs(drawn) if address.startswith(f"/system/{listing}/"))
    path = row.partition("?")[0]
    shown = alice.client.get(path)
    assert shown.status_code == 200


@pytest.mark.databases("sqlite")
def test_portuguese(alice: Reader, watched: None) -> None:
    said = words(answer(alice, "?range=24h&lang=pt-BR")["top"]).replace("\u00a0", " ")
    assert "Observados 12 min de 24 h." in said
    assert "Servidor web" in said and "Operacional" in said
