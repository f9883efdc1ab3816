"""The oracle says what the schema facts say, about every table there is, and the declaration says the same."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from db.base import Base
from db.policies import RULES
from db.rules import Verb
from tests.access.attempts import TABLES
from tests.access.expected import EXPECTED, ROLES, WORDS, May
from tests.access.judge import named
from tests.access.world import imagined

VERBS = ("select", "insert", "update", "delete")
COUNTS = {"select": 44, "insert": 33, "update": 31, "delete": 25}  # of the facts


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> dict[str, Any]:
    told = yaml.safe_load((shared_data / "schema" / "tables.yaml").read_text())
    return {each["name"]: each for each in told["tables"]}


def of_facts(listed: list[dict[str, Any]]) -> Counter[str]:
    return Counter("|".join(each["roles"]) if each["who"] == "role" else each["who"] for each in listed)


def of_oracle(listed: list[May]) -> Counter[str]:
    """In the words of the facts."""
    return Counter({"person": "authenticated"}.get(each.who, each.who) for each in listed if not each.ours)


def test_the_oracle_repeats_the_facts_and_marks_what_it_adds(facts: dict[str, Any]) -> None:
    assert len(facts) == 26
    for table, fact in facts.items():
        for verb in VERBS:
            told = of_facts(fact["access_target"][verb])
            assert of_oracle(EXPECTED[table].get(verb, [])) == told, f"{table}, {verb}"


def test_every_limit_of_the_facts_is_a_limit_of_the_oracle(facts: dict[str, Any]) -> None:
    """In words that describe who does it and when, such as "at sign-in", nothing is limited that a row could show."""
    told_only = (
        "the registration transaction only",
        "closes the account",
        "at sign-in",
        "in the same transaction",
        "payment provider notice",
        "manual entry",
        "nodes of observed agents",
        "events about oneself",
        "own actions",
        "points come from recorded deeds",
    )
    for table, fact in facts.items():
        for verb in VERBS:
            for each in fact["access_target"][verb]:
                limit = each.get("limit", "")
                if not limit or limit.startswith(told_only):
                    continue
                who = "|".join(each["roles"]) if each["who"] == "role" else each["who"]
                who = {"authenticated": "person"}.get(who, who)
                found = next(may for may in EXPECTED[table][verb] if may.who == who and not may.ours)
                assert found.only is not None or found.of or found.to or found.through, (
                    f"{each['policy']}: {limit}"
                )


def test_the_facts_count_133_and_the_oracle_as_many_of_theirs() -> None:
    assert Counter(verb for _, verb, may in named() if not may.ours) == COUNTS
    assert sum(COUNTS.values()) == 133


def test_every_table_stands_in_the_oracle_and_in_the_declaration() -> None:
    assert set(EXPECTED) == set(TABLES)
    silent = [table for table in Base.metadata.tables if not RULES.get(table)]
    assert silent == [], "a table without a rule is open to nobody: declare who may use it in db/policies"


def test_the_declaration_has_as_many_rules_as_the_oracle_has_entries() -> None:
    for table in Base.metadata.tables:
        for verb in VERBS:
            declared = [each for each in RULES[table] if each.verb is Verb(verb)]
            assert len(declared) == len(EXPECTED[table].get(verb, [])), f"{table}, {verb}"


def test_the_rules_bear_the_names_of_the_facts(facts: dict[str, Any]) -> None:
    for table, fact in facts.items():
        told = {each["policy"] for verb in VERBS for each in fact["access_target"][verb]}
        declared = {each.name for each in RULES[table] if not each.ours}
        assert declared == told, table


def test_every_word_of_the_oracle_means_something() -> None:
    used = {word for _, _, may in named() for word in (may.of, may.to)}
    assert used == set(WORDS)
    columns = [
        (table, name)
        for table, _, may in named()
        for name in {*(may.only or ()), *may.values}
        if name not in Base.metadata.tables[table].columns
    ]
    assert columns == []
    roles = {role for _, _, may in named() for role in may.who.split("|") if "|" in may.who}
    assert roles < ROLES


def test_every_table_has_rows_that_the_cast_is_tried_on() -> None:
    """Of a table without any nothing is tried but new rows, and a broken rule of it would not be noticed."""
    rows = imagined().rows
    assert [each for each in TABLES if not rows.get(each)] == []
