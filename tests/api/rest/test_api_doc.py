"""docs/api.md is true: its lines, as they stand there, against a served application."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from sqlalchemy import Engine

from auth.keys import NEEDS, Scope
from tests.api.rest.conformity import PREFIX
from tests.api.rest.conftest import Programs
from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "api.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


@pytest.fixture
def told(live_server: str, program: Programs, fleet: None) -> dict[str, str]:
    """What the second block of lines sets."""
    assert "export QUANTUM=http://127.0.0.1:8050 KEY=qk_..." in blocks("sh")[1]
    return {**os.environ, "QUANTUM": live_server, "KEY": program("architect").token}


def run(lines: str, told: Mapping[str, str]) -> list[Any]:
    """The answers of these lines, each of which must succeed."""
    done = subprocess.run(
        ["bash", "-ec", re.sub(r"\bcurl ", "curl --silent --no-progress-meter -w '\\n' ", lines)],
        env=dict(told),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def test_the_three_lines_do_what_they_say(told: dict[str, str], program: Programs, engine: Engine) -> None:
    _, _, heard, number, written = blocks("sh")
    assert run(heard, told) == [{"items": [], "next": None}]
    (reading,) = run(number, told)
    assert reading["key"] == "spans.latency_p95_ms" and reading["value"] is None and reading["reason"]
    declared, beat = run(written, told)
    assert declared["id"] == "invoices/reader" and declared["origin"] == "person"
    assert beat["operational"] is True and beat["heartbeat_seconds"] == 30
    (page,) = run(heard, told)
    assert [row["id"] for row in page["items"]] == ["invoices/reader"]


def test_the_program_reads_every_page(told: dict[str, str], tmp_path: Path) -> None:
    (text,) = blocks("python")
    (tmp_path / "pages.py").write_text(text.replace("limit=200", "limit=7"))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "pages.py")], env=told, capture_output=True, text=True, check=False
    )
    assert done.stdout == "40\n", done.stderr


def test_the_command_makes_such_a_key() -> None:
    words = shlex.split(blocks("sh")[0].replace("\\\n", " "))
    assert words[:3] == ["quantum", "key", "create"]
    scopes = {words[place + 1] for place, word in enumerate(words) if word == "--scope"}
    assert scopes == {Scope.FLEET_READ, Scope.FLEET_WRITE, Scope.METRICS_READ}


def test_every_scope_and_every_refusal_stands_there(app: Dash, program: Programs) -> None:
    text = DOCUMENT.read_text()
    assert not [scope for scope in NEEDS if f"`{scope}`" not in text]
    document = program().read("/openapi.json")
    statuses = {
        status
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for status in operation["responses"]
        if path.startswith(PREFIX) and int(status) >= 400
    }
    listed = set(re.findall(r"\b(4\d\d|5\d\d)\b", text.rpartition("## Refusals")[2]))
    assert statuses <= listed
    for path in re.findall(r"`/(agents|connections|nodes|logs|spans|metrics|modules)`", text):
        assert f"{PREFIX}/{path}" in document["paths"]


def test_every_filter_stands_there(app: Dash, program: Programs) -> None:
    text = DOCUMENT.read_text().partition("Filters:")[2].partition("A window is")[0]
    paths = program().read("/openapi.json")["paths"]
    for name in ("agents", "connections", "nodes", "logs", "spans"):
        for parameter in paths[f"{PREFIX}/{name}"]["get"]["parameters"]:
            if parameter["in"] == "query" and parameter["name"] not in ("limit", "cursor"):
                assert f"`{parameter['name']}`" in text, (name, parameter["name"])
