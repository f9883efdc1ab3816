"""docs/connect.md is true: its lines, as they stand there, make agents of real frameworks appear."""

import re
import sys
from pathlib import Path

import pytest

from tests.clients import install
from tests.clients.conftest import Quantum, Told, run
from tests.clients.document import ROOT, Section, sections
from tests.people import make_person

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "frameworks"
# Framework: its program, the agents that appear, and calls between them.
FRAMEWORKS = {
    "OpenAI Agents SDK": ("openai_agents", {"editor", "researcher"}, {("editor", "researcher"): 1}),
    "LangGraph": ("langgraph", {"researcher", "writer"}, {("", "researcher"): 1, ("", "writer"): 1}),
    "AutoGen": (
        "autogen",
        {"editor", "researcher", "writer"},
        {("editor", "researcher"): 2, ("editor", "writer"): 2},
    ),
    "Pydantic AI": ("pydantic_ai", {"editor", "researcher"}, {("editor", "researcher"): 1}),
    "Python, without a framework": ("", {"editor", "researcher"}, {("editor", "researcher"): 1}),
}
PACKAGE = re.compile(r"(?<=\s)[a-z@][\w@/-]+(?=\s|$)")


@pytest.fixture(scope="module")
def document() -> dict[str, Section]:
    return sections()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_lines_of_a_framework_make_its_agents_appear(
    framework: str, document: dict[str, Section], quantum: Quantum, told: Told, tmp_path: Path
) -> None:
    name, agents, calls = FRAMEWORKS[framework]
    lines = document[framework].block("python")
    program = tmp_path / "program.py"
    program.write_text(lines + ((PROGRAMS / f"newsroom_{name}.py").read_text() if name else ""))
    service = f"connect-{name or 'python'}"
    said = run([str(python()), str(program)], told(service), tmp_path)
    print(f"\n{framework}: {said.strip()[-200:]}")

    def full(agent: str) -> str:
        return f"{service}/{agent}" if agent else service

    assert {full(agent) for agent in agents} <= quantum.agents(service)
    found = quantum.calls(service)
    print({f"{caller} -> {callee}": count for (caller, callee), count in found.items()})
    for (caller, callee), count in calls.items():
        assert found[full(caller), full(callee)] == count


def test_the_lines_for_javascript_make_its_agents_appear(
    document: dict[str, Section], quantum: Quantum, told: Told, tmp_path: Path
) -> None:
    try:
        node, folder = install.javascript()
    except install.NotInstalled as error:
        pytest.skip(f"the SDK for JavaScript: {error}")
    program = tmp_path / "program.js"
    program.write_text(document["JavaScript"].block("js"))
    environment = told("connect-js") | {"NODE_PATH": str(folder / "node_modules")}
    run([str(node), str(program)], environment, tmp_path)
    assert quantum.agents("connect-js") == {"connect-js/editor", "connect-js/researcher"}
    assert quantum.calls("connect-js") == {("connect-js/editor", "connect-js/researcher"): 1}


def test_every_framework_is_run_or_says_that_it_is_not(document: dict[str, Section]) -> None:
    of_frameworks = [
        each for each in document.values() if any(kind in ("python", "js") for kind, _ in each.blocks)
    ]
    run_here = {section.title for section in of_frameworks if section.is_run}
    assert run_here == {*FRAMEWORKS, "JavaScript"}
    assert {section.title for section in document.values() if not section.is_run} == {
        "CrewAI",
        "OpenTelemetry Collector",
    }


@pytest.mark.parametrize("framework", [*FRAMEWORKS, "CrewAI"])
def test_what_the_document_installs_is_what_the_tests_install(
    framework: str, document: dict[str, Section]
) -> None:
    file = "crewai.in" if framework == "CrewAI" else "requirements.in"
    pinned = re.findall(r"(?m)^([a-z][\w-]*)", (PROGRAMS / file).read_text())
    words = document[framework].block("sh").replace("\\\n", " ").removeprefix("pip install")
    asked = set(PACKAGE.findall(f" {words}"))
    assert asked and asked <= set(pinned)


def test_what_the_document_installs_for_javascript_is_pinned(document: dict[str, Section]) -> None:
    words = document["JavaScript"].block("sh").replace("\\\n", " ").removeprefix("npm install")
    pinned = (HERE / "js" / "package.json").read_text()
    asked = PACKAGE.findall(f" {words}")
    assert len(asked) == 4 and all(f'"{package}"' in pinned for package in asked)


def test_a_key_is_made_and_tried_as_the_document_says(
    document: dict[str, Section], quantum: Quantum, tmp_path: Path
) -> None:
    """Step 1, step 2 and the request by hand, in one shell, with the address and the key put in."""
    make_person(quantum.engine, "you", role="architect")
    quantum_command = tmp_path / "quantum"
    quantum_command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "cli.py"}" "$@"\n')
    quantum_command.chmod(0o700)
    make = document["1. A key"].block("sh").strip()
    where, ask = document["2. Where to send"].block("sh"), document["2. Where to send"].block("sh", 1)
    where = where.replace("http://127.0.0.1:8050", quantum.url).replace("qk_...", "$KEY")
    shell = f"set -eu\nKEY=$({make})\n{where}\n{ask}"
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "QUANTUM_ENV": "test",
        "QUANTUM_DATABASE_URL": str(quantum.engine.url),
        "QUANTUM_DATA_DIR": str(tmp_path / "var"),
    }
    run(["sh", "-c", shell], environment, tmp_path)
    wrong = shell.replace("Authorization: Bearer ", "Authorization: Bearer not-")
    with pytest.raises(AssertionError, match="401"):
        run(["sh", "-c", wrong], environment, tmp_path)


def test_the_answers_it_explains_are_those_that_are_given(document: dict[str, Section]) -> None:
    explained = set(re.findall(r"(?m)^\| ([\d, ]+) \|", document["When nothing appears"].text))
    assert {status for each in explained for status in each.split(", ")} == {
        "401",
        "403",
        "404",
        "413",
        "415",
        "429",
        "503",
    }


def python() -> Path:
    try:
        return install.frameworks()
    except install.NotInstalled as error:
        pytest.skip(f"frameworks for agents: {error}")
