"""What is stored, whom it belongs to, which calls it proves; whatever the order of arrival."""

import gzip
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, text

from db.catalogue.loader import seed
from db.metric import METRICS, Reading, Window, read
from db.models import Agent, AgentConnection, Call, NetworkNode, Span
from db.services.otlp_files import Report, import_files, source_name
from tests.otlp import request, span, write
from tests.sessions import session

ALL = Window.parse("all")


def put(engine: Engine, folder: Path, *requests: Any, name: str = "a.jsonl") -> Report:
    return import_files(engine, [write(folder / name, *requests)])


def value(engine: Engine, key: str, *subject: str) -> Reading:
    with session(engine) as unit:
        return read(unit, key, ALL, subject)


def owners(engine: Engine) -> dict[str, tuple[str | None, str | None]]:
    with session(engine) as unit:
        return {
            row.span_id[-2:]: (row.agent_id, row.attribution)
            for row in unit.execute(select(Span.span_id, Span.agent_id, Span.attribution))
        }


def calls(engine: Engine) -> set[tuple[str, str, str, str]]:
    with session(engine) as unit:
        return {
            tuple(row)  # type: ignore[misc]
            for row in unit.execute(select(Call.caller_id, Call.callee_id, Call.kind, Call.evidence))
        }


def test_a_span_belongs_to_its_own_name_then_the_closest_named_ancestor_then_its_service(
    engine: Engine, tmp_path: Path
) -> None:
    put(
        engine,
        tmp_path,
        request(
            span(1),
            span(2, 1, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="planner"),
            span(3, 2),
            span(4, 3, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="writer"),
            span(5, 4),
            service="desk",
        ),
    )
    assert owners(engine) == {
        "01": ("desk", "service"),
        "02": ("desk/planner", "own"),
        "03": ("desk/planner", "ancestor"),
        "04": ("desk/writer", "own"),
        "05": ("desk/writer", "ancestor"),
    }
    assert calls(engine) == {
        ("desk", "desk/planner", "command", "parent"),
        ("desk/planner", "desk/writer", "command", "parent"),
    }


def test_an_ancestor_in_another_service_owns_the_span(engine: Engine, tmp_path: Path) -> None:
    put(
        engine,
        tmp_path,
        request(span(1, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="a"), service="one"),
        request(span(2, 1), service="two"),
    )
    assert owners(engine)["02"] == ("one/a", "ancestor")


def test_a_span_without_service_and_agent_is_unattributed(engine: Engine, tmp_path: Path) -> None:
    put(engine, tmp_path, request(span(1), service=None), request(span(2), service="unknown_service:python"))
    assert set(owners(engine).values()) == {(None, None)}
    assert value(engine, "spans.unattributed").value == 2
    assert value(engine, "fleet.agents_observed").value == 0


def test_the_order_of_arrival_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    spans = [
        span(1, service_name="x"),
        span(2, 1, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="lead", status=1),
        span(3, 2),
        span(4, 3, openinference__span__kind="AGENT", agent__name="helper", status=2),
        span(5, 2, name="handoff to helper", openinference__span__kind="TOOL"),
        span(6, 5),
    ]
    # 5 hands off to helper, whose span (4) must start after it.
    spans[3] = span(
        4, 3, start=span_start(7), openinference__span__kind="AGENT", agent__name="helper", status=2
    )
    seen = set()
    for place, order in enumerate(itertools.permutations(range(6))):
        if place % 60:
            continue
        with session(engine, write=True) as unit:
            for table in (Call, Span, AgentConnection, NetworkNode, Agent):
                unit.execute(delete(table))
        put(engine, tmp_path, *[request(spans[index], service="team") for index in order])
        with session(engine) as unit:
            tasks = frozenset(unit.scalars(select(Span.span_id).where(Span.is_task)))
        seen.add((frozenset(owners(engine).items()), frozenset(calls(engine)), tasks))
    one_batch_each(engine, tmp_path, spans, seen)
    assert len(seen) == 1


def span_start(number: int) -> int:
    return int(span(number)["startTimeUnixNano"])


def one_batch_each(engine: Engine, folder: Path, spans: list[dict[str, Any]], seen: set[Any]) -> None:
    """The same once more, children first and a transaction for each span."""
    with session(engine, write=True) as unit:
        for table in (Call, Span, AgentConnection, NetworkNode, Agent):
            unit.execute(delete(table))
    for place, each in enumerate(reversed(spans)):
        put(engine, folder, request(each, service="team"), name=f"{place}.jsonl")
    with session(engine) as unit:
        tasks = frozenset(unit.scalars(select(Span.span_id).where(Span.is_task)))
    seen.add((frozenset(owners(engine).items()), frozenset(calls(engine)), tasks))


def test_importing_again_changes_no_number(engine: Engine, tmp_path: Path) -> None:
    document = request(span(1), span(2, 1, status=2), span(2, 1, status=2))
    first = put(engine, tmp_path, document)
    assert (first.spans, first.already) == (2, 1)
    before = {
        key: value(engine, key).value for key, each in METRICS.items() if not each.subject and each.windowed
    }
    again = put(engine, tmp_path, document)
    assert (again.spans, again.already, again.agents) == (0, 3, 0)
    after = {
        key: value(engine, key).value for key, each in METRICS.items() if not each.subject and each.windowed
    }
    assert after == before


def test_parents_that_never_arrive_are_counted(engine: Engine, tmp_path: Path) -> None:
    report = put(engine, tmp_path, request(span(1), span(2, 1), span(3, 99), span(4, 98)))
    assert report.parents_missing == 2


def test_a_service_edge_is_a_call_with_the_callees_latency(engine: Engine, tmp_path: Path) -> None:
    put(
        engine,
        tmp_path,
        request(span(1, millis=9), span(2, 1), service="front"),
        request(span(3, 2, millis=4), span(4, 3), service="back"),
    )
    assert calls(engine) == {("front", "back", "data", "parent")}
    assert value(engine, "connection.latency_p50_ms", "front", "back").value == 4
    assert value(engine, "connection.calls", "front", "back").value == 1
    assert value(engine, "fleet.connections").value == 1


def test_a_failed_callee_fails_the_call(engine: Engine, tmp_path: Path) -> None:
    put(engine, tmp_path, request(span(1), service="a"), request(span(2, 1, status=2), service="b"))
    assert value(engine, "connection.errors", "a", "b").value == 1
    with session(engine) as unit:
        row = unit.scalars(select(AgentConnection)).one()
        assert (row.status, row.meta["evidence"], float(row.strength or 0)) == ("failed", "measured", 1.0)


def test_a_tool_that_asks_an_agent_is_a_command(engine: Engine, tmp_path: Path) -> None:
    agent = {"traceloop__span__kind": "agent"}
    put(
        engine,
        tmp_path,
        request(
            span(1, name="workflow"),
            span(2, 1, gen_ai__agent__name="chief", **agent),
            span(3, 2, name="ask_expert.tool", traceloop__span__kind="tool", millis=50),
            span(5, 1, gen_ai__agent__name="expert", millis=7, **agent),
            service="unknown_service",
        ),
    )
    assert calls(engine) == {("unknown_service/chief", "unknown_service/expert", "command", "tool")}
    found = value(engine, "connection.latency_p50_ms", "unknown_service/chief", "unknown_service/expert")
    assert found.value == 7


def test_a_tool_whose_name_only_looks_like_an_agent_is_no_call(engine: Engine, tmp_path: Path) -> None:
    put(
        engine,
        tmp_path,
        request(span(1), span(2, 1, name="ask_user", gen_ai__operation__name="execute_tool")),
    )
    assert calls(engine) == set()


def test_a_message_is_a_call_from_sender_to_recipient_without_the_run_in_their_names(
    engine: Engine, tmp_path: Path
) -> None:
    run = "01f41b74-66dd-4438-a040-ac36c58253b6"
    put(
        engine,
        tmp_path,
        request(
            span(
                1,
                messaging__operation="process",
                sender_agent_type=f"Manager_{run}",
                recipient_agent_type=f"Surfer_{run}",
            ),
            service="web",
        ),
    )
    assert calls(engine) == {("web/Manager", "web/Surfer", "sync", "message")}


def test_the_id_of_an_existing_agent_means_that_agent(engine: Engine, tmp_path: Path) -> None:
    with session(engine, write=True) as unit:
        seed(unit)
    put(
        engine,
        tmp_path,
        request(
            span(
                1,
                gen_ai__operation__name="invoke_agent",
                gen_ai__agent__name="Monitor",
                gen_ai__agent__id="monitor_001",
            ),
            span(
                2, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="B", gen_ai__agent__id="nobody"
            ),
        ),
    )
    assert owners(engine) == {"01": ("monitor_001", "own"), "02": ("shop/B", "own")}
    assert value(engine, "fleet.agents_observed").value == 2
    assert value(engine, "fleet.agents_configured").value == 139
    assert value(engine, "fleet.agents_operational").value == 0, "an import makes nobody operational"


def test_an_agent_span_without_a_name_is_a_container(engine: Engine, tmp_path: Path) -> None:
    put(engine, tmp_path, request(span(1, openinference__span__kind="AGENT", name="Agent workflow")))
    assert owners(engine) == {"01": ("shop", "service")}


def test_tokens_count_on_model_spans_only_and_may_be_text(engine: Engine, tmp_path: Path) -> None:
    put(
        engine,
        tmp_path,
        request(
            span(
                1,
                gen_ai__operation__name="invoke_agent",
                gen_ai__agent__name="a",
                gen_ai__usage__input_tokens=900,
            ),
            span(
                2,
                1,
                gen_ai__operation__name="chat",
                gen_ai__usage__input_tokens=7,
                gen_ai__usage__output_tokens="3",
            ),
            span(3, 1, llm__request__type="chat", gen_ai__usage__prompt_tokens="1404"),
            span(4, 1, gen_ai__operation__name="chat", gen_ai__usage__input_tokens="many"),
        ),
    )
    assert (value(engine, "tokens.input").value, value(engine, "tokens.input").n) == (1411, 2)
    assert (value(engine, "tokens.output").value, value(engine, "tokens.output").n) == (3, 1)
    assert isinstance(value(engine, "tokens.input").value, int)
    assert value(engine, "agent.tokens_input", "shop/a").value == 1411


def test_efficiency_counts_tasks_with_an_outcome(engine: Engine, tmp_path: Path) -> None:
    invoke = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "a"}
    put(engine, tmp_path, request(span(1, trace=1, **invoke), span(2, trace=2, **invoke)))
    silent = value(engine, "fleet.efficiency")
    assert (silent.value, silent.n) == (None, 0)
    assert silent.reason
    put(
        engine,
        tmp_path,
        request(
            span(3, trace=3, status=2, **invoke),
            span(4, trace=4, status=1, **invoke),
            span(5, trace=5, **invoke),  # unset, but this source has reported a status before
            span(6, 5, trace=5, status=1, **invoke),  # a step inside the same agent is no further task
        ),
    )
    found = value(engine, "fleet.efficiency")
    assert (found.n, round(float(found.value or 0), 6)) == (3, round(200 / 3, 6))
    assert found.interval is not None
    assert 20 < found.interval[0] < 66 < found.interval[1] < 94
    assert value(engine, "agent.efficiency", "shop/a").n == 3
    assert value(engine, "fleet.agents_unmeasured").value == 0


def test_every_new_agent_gets_a_computed_place_and_the_old_ones_stay(engine: Engine, tmp_path: Path) -> None:
    with session(engine, write=True) as unit:
        seed(unit)
    before = places(engine)
    assert len(before) == 139
    put(engine, tmp_path, request(span(1), service="new-1"), request(span(2, 1), service="new-2"))
    after = places(engine)
    assert len(after) == 141
    assert {agent: after[agent] for agent in before} == before


def places(engine: Engine) -> dict[str, tuple[float, ...]]:
    with session(engine) as unit:
        rows = unit.scalars(select(NetworkNode)).all()
        assert {row.meta["position"] for row in rows} == {"computed"}
        assert {row.status for row in rows} == {None}
        return {str(row.agent_id): (float(row.position_x or 0), float(row.position_y or 0)) for row in rows}


def test_seeding_invents_nothing_and_brings_nothing_back(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        assert seed(unit) == 139
        live = unit.execute(
            select(
                Agent.status,
                Agent.efficiency,
                Agent.current_task,
                Agent.last_active,
                Agent.neural_load,
                Agent.uptime_seconds,
                Agent.version,
            )
        ).all()
        assert {tuple(row) for row in live} == {(None,) * 7}
        unit.execute(delete(Agent).where(Agent.id == "monitor_001"))
        unit.execute(text("UPDATE agents SET name = 'Renamed' WHERE id = 'control_001'"))
    with session(engine, write=True) as unit:
        assert seed(unit) == 0
        assert unit.get(Agent, "monitor_001") is None
        renamed = unit.get(Agent, "control_001")
        assert renamed is not None
        assert renamed.name == "Renamed"


BAD_SPANS = {
    "short trace id": ({"traceId": "abc"}, "32 hexadecimal digits"),
    "zero trace id": ({"traceId": "0" * 32}, "not all zero"),
    "base64 span id": ({"spanId": "7uPqWvZ7bHA="}, "base64"),
    "own parent": ({"parentSpanId": f"{1:016x}"}, "own parent"),
    "negative duration": ({"endTimeUnixNano": "5"}, "before it starts"),
    "no end": ({"endTimeUnixNano": None}, "endTimeUnixNano"),
    "text as time": ({"startTimeUnixNano": "soon"}, "nanoseconds since 1970"),
    "time beyond 64 bits": ({"endTimeUnixNano": "9" * 19}, "nanoseconds since 1970"),
    "unknown kind": ({"kind": 9}, "kind"),
    "many attributes": (
        {"attributes": [{"key": str(n), "value": {}} for n in range(100_000)]},
        "100,000 attributes",
    ),
    "long name": ({"name": "x" * 1_000_000}, "1,000,000 characters"),
    "proto key": ({"attributes": [{"key": "__proto__", "value": {"stringValue": "x"}}]}, "__proto__"),
    "attributes as text": ({"attributes": "x"}, "where a list belongs"),
    "text in a whole number": (
        {"attributes": [{"key": "a", "value": {"intValue": "1.5"}}]},
        "no whole number",
    ),
    "huge integer": ({"attributes": [{"key": "a", "value": {"intValue": "9" * 30}}]}, "64 bits"),
    "long agent name": (
        {"attributes": [{"key": "gen_ai.agent.name", "value": {"stringValue": "n" * 300}}]},
        "agent's name has 300",
    ),
}


@pytest.mark.parametrize(("change", "says"), BAD_SPANS.values(), ids=BAD_SPANS.keys())
def test_a_bad_span_is_refused_by_file_and_line_and_the_rest_is_kept(
    engine: Engine, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    report = put(engine, tmp_path, request(span(7)), request(span(1) | change, span(8)))
    assert report.spans == 2
    (refusal,) = report.refused
    assert refusal.line == 2
    assert str(refusal).startswith(f"{tmp_path / 'a.jsonl'}:2: ")
    assert says in refusal.reason


def nested(depth: int) -> Any:
    return {"stringValue": "x"} if not depth else {"arrayValue": {"values": [nested(depth - 1)]}}


def test_deep_nesting_is_refused(engine: Engine, tmp_path: Path) -> None:
    report = put(
        engine, tmp_path, request(span(1) | {"attributes": [{"key": "a", "value": nested(40)}]}, span(2))
    )
    assert report.spans == 1
    assert "nested deeper" in report.refused[0].reason


def test_what_json_columns_cannot_hold_is_made_storable(engine: Engine, tmp_path: Path) -> None:
    odd = span(1, name="nul \x00 byte") | {
        "attributes": [
            {"key": "nan", "value": {"doubleValue": "NaN"}},
            {"key": "nul\x00", "value": {"stringValue": "a\x00b"}},
            {"key": "none", "value": {}},
            {"key": "bytes", "value": {"bytesValue": "AAE="}},
            {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 5}}]}}},
        ]
    }
    report = put(engine, tmp_path, request(odd))
    assert (report.spans, report.refused) == (1, [])
    with session(engine) as unit:
        stored = unit.scalars(select(Span)).one()
        assert stored.attributes["map"] == {"k": 5}
        assert stored.attributes["nan"] == "NaN"
        assert "\x00" not in stored.name + str(stored.attributes)


WHOLE_FILES = {
    "half a line": ('{"resourceSpans": [{"resource"', 1, "not valid JSON"),
    "not OTLP": ('{"hello": 1}', 1, "no resourceSpans"),
    "a level that is none": ('{"resourceLogs": [7]}', 1, "where an object belongs"),
    "a number": ("[1, 2]", 1, "where an OTLP request"),
    "empty": ("", 0, "is empty"),
    "text": ("hello there", 1, "protobuf"),
}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("content", "line", "says"), WHOLE_FILES.values(), ids=WHOLE_FILES.keys())
def test_a_file_that_is_no_otlp_says_so(
    engine: Engine, tmp_path: Path, content: str, line: int, says: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    (refusal,) = import_files(engine, [path]).refused
    assert refusal.line == line
    assert says in refusal.reason


@pytest.mark.databases("sqlite")
def test_broken_lines_are_told_apart_and_the_others_kept(engine: Engine, tmp_path: Path) -> None:
    import json

    half = json.dumps(request(span(9)))[:50]
    report = put(engine, tmp_path, half, request(span(1)), "", half, request(span(2)))
    assert report.spans == 2
    assert [refusal.line for refusal in report.refused] == [1, 4]


@pytest.mark.databases("sqlite")
def test_one_document_over_many_lines(engine: Engine, tmp_path: Path) -> None:
    import json

    path = tmp_path / "pretty.json"
    path.write_text(json.dumps(request(span(1), span(2)), indent=2))
    assert import_files(engine, [path]).spans == 2


@pytest.mark.databases("sqlite")
def test_a_truncated_gzip_keeps_what_came_before(engine: Engine, tmp_path: Path) -> None:
    import json
    import random

    noise = random.Random(1)
    lines = [json.dumps(request(span(n, name=str(noise.random())))) for n in range(1, 4000)]
    whole = gzip.compress("\n".join(lines).encode())
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    report = import_files(engine, [path])
    assert 1000 < report.spans < 3000
    assert "damaged or cut off" in report.refused[-1].reason
    assert report.refused[-1].line > 1000


@pytest.mark.databases("sqlite")
def test_folders_and_missing_files_are_named_with_the_remedy(engine: Engine, tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", request(span(1)))
    report = import_files(engine, [tmp_path, tmp_path / "none.json", good])
    assert report.spans == 1
    assert "is a folder" in str(report.refused[0])
    assert "no such file" in str(report.refused[1])


def test_a_span_the_database_refuses_does_not_take_the_others(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from db.services import ingest

    columns = ingest._columns

    def broken(*given: Any) -> dict[str, list[Any]]:
        made = columns(*given)
        lasted = [-1 if name == "bad" else 1 for name in made["name"]]
        return made | {"duration_ns": lasted}

    monkeypatch.setattr(ingest, "_columns", broken)
    report = put(engine, tmp_path, request(*[span(n, name="bad" if n == 5 else "ok") for n in range(1, 10)]))
    assert report.spans == 8
    (refusal,) = report.refused
    assert refusal.line == 1
    assert "the database refuses it" in refusal.reason


def test_source_is_the_files_name_without_endings() -> None:
    assert source_name(Path("/x/shop.otlp.jsonl.gz")) == "shop"


@pytest.mark.databases("postgresql")
def test_two_imports_of_the_same_file_at_once_store_everything_once(engine: Engine, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", *[request(*[span(n, trace=t) for n in range(1, 60)]) for t in range(1, 60)]
    )
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: import_files(engine, [path]), range(4)))
    assert [refusal for report in reports for refusal in report.refused] == []
    assert sum(report.spans for report in reports) == 59 * 59
    assert value(engine, "spans.count").value == 59 * 59
