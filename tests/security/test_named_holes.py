"""Every published hole of the design notes is either a test that bears its name or stands in docs/security.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
# The audit of PyPI's warehouse, in the words of the notes; what a test's name holds after test_warehouse_.
WAREHOUSE = {
    "members could invite owners": "members",
    "IDOR deleting others' API tokens": "idor",
    "audit events silently dropped": "audit_events",
    "TOTP replay by whitespace": "totp",
    "password reset leaks privileged status": "password_reset",
    "admin flag changes not logged": "admin_flag",
}
NO_NUMBER = {"OTel attribute key": "langfuse"}


def names_of_tests() -> list[str]:
    found: list[str] = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if ".cache" in path.parts:  # what others wrote
            continue
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found += [
            node.name for node in tree if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
    return found


def numbers_of(text: str) -> set[str]:
    """CVE numbers as the notes write them: whole, or after a whole one of the same year as -1234."""
    found, year = set(), ""
    for whole, number, short in re.findall(r"\b(20\d\d)-(\d{4,6})\b|(?<=[\s/])-(\d{4,6})\b", text):
        year = whole or year
        found.add(f"{year}-{number or short}")
    return found


def numbers_tested() -> set[str]:
    """Numbers in the names of tests."""
    return {
        f"{year}-{number}"
        for name in names_of_tests()
        for year, number in re.findall(r"(20\d\d)_(\d{4,6})", name)
    }


def excused() -> dict[str, str]:
    """Numbers in the table of docs/security.md, with the reason given."""
    rows = re.findall(
        r"(?m)^\| CVE-(20\d\d-\d{4,6}) \| [^|]+ \| ([^|]+) \|$", DOCUMENT.read_text(encoding="utf-8")
    )
    return {number: reason.strip() for number, reason in rows}


@pytest.fixture(scope="session")
def notes(shared_data: Path) -> Iterator[str]:
    """The section of the design notes with the published holes."""
    yield (shared_data / "design" / "security.md").read_text(encoding="utf-8")


def test_the_numbers_of_the_notes_are_read_as_they_are_written() -> None:
    written = "| 2023-1177, -2356, -6831 | x | | 2026-2652, 2026-0545 | v3.167.4 | 2023-49804/-49805 | 94-377"
    wanted = {"2023-1177", "2023-2356", "2023-6831", "2026-2652", "2026-0545", "2023-49804", "2023-49805"}
    assert numbers_of(written) == wanted


def test_every_published_hole_is_tested_by_name_or_excused(notes: str) -> None:
    section = notes.split("### 5b")[1].split("### 5c")[0]
    holes = set().union(
        *(numbers_of(line.split("|")[1]) for line in section.splitlines() if line.startswith("| "))
    )
    assert len(holes) > 40
    names, reasons = numbers_tested(), excused()
    missing = holes - names - reasons.keys()
    assert not missing, (
        f"neither a test bears these numbers nor does {DOCUMENT.name} say why none does: {sorted(missing)}"
    )
    assert not names & reasons.keys(), "tested, and yet said not to apply"
    assert not reasons.keys() - holes, "excused, but in no note"
    counts = f"{len(holes & names)} tested by name, {len(reasons)} cannot apply"
    print(f"\n{len(holes)} published holes: {counts}")


def test_every_finding_of_the_warehouse_s_audit_is_tested_by_name(notes: str) -> None:
    section = " ".join(notes.split("### 5a")[1].split("### 5b")[0].split())
    findings = re.findall(r"\*([^*]+)\*", section.split("14 findings, incl.")[1].split("Use these six")[0])
    assert len(findings) == 6
    for finding in findings:
        word = next((word for said, word in WAREHOUSE.items() if finding.startswith(said)), None)
        assert word is not None, f"no name for {finding!r}"
        assert [name for name in names_of_tests() if name.startswith(f"test_warehouse_{word}")], finding


def test_what_has_no_number_is_tested_by_name(notes: str) -> None:
    assert all(said in notes for said in NO_NUMBER)
    for word in NO_NUMBER.values():
        assert [name for name in names_of_tests() if word in name]


def test_every_excuse_is_a_sentence() -> None:
    assert all(reason.endswith(".") and len(reason.split()) > 5 for reason in excused().values())
