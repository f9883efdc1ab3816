"""docs/telemetry.md states what the code does."""

import re
from pathlib import Path

import api.bodies
import api.otlp
from db.policies import KEPT
from db.queries.agents import MOST_DRIFT_MS
from db.queries.first_token import EVENTS, IN_MS, IN_SECONDS, QUEUE_SECONDS
from db.queries.fleet import UNHEARD_AFTER_SECONDS
from db.queries.ingest import LATE_MINUTES, REASONS
from db.services import liveness, measure, otlp_values
from db.services.otlp_logs import WORDS, level_of
from db.services.otlp_metrics import DIGITS, KINDS, PLACES
from db.services.otlp_requests import FIELDS, RESERVED_NAMES, Signal

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "telemetry.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_every_limit_is_the_codes() -> None:
    for words in (
        f"within {api.bodies.SECONDS:.0f} seconds",
        f"{api.bodies.LARGEST // 2**20} MiB (unzipped)",
        f"{api.otlp.MOST_ITEMS:,} items",
        f"{api.otlp.MOST_VALUES:,} JSON values",
        f"an item of more than {api.otlp.LIMITS.item // 2**20} MiB",
        f"more than {otlp_values.MOST_ATTRIBUTES:,} attributes",
        f"deeper than {otlp_values.MOST_NESTING} levels",
        f"names beyond {otlp_values.LONGEST_NAME:,}",
        f"beyond {otlp_values.LONGEST_AGENT} and values beyond {otlp_values.LONGEST_VALUE:,} characters",
        f"more than {LATE_MINUTES} minutes after they ended",
        f"{UNHEARD_AFTER_SECONDS // 60} minutes where none is declared",
        f"More than {MOST_DRIFT_MS // 1000} seconds are flagged",
        f"its round trips after {measure.KEPT.days} days",
        f"late items after {measure.TROUBLES_KEPT.days}",
        f"measurement younger than {KEPT['system_metrics'].days} days",
        f"log line younger than {KEPT['agent_logs'].days}",
        f"six decimals and {DIGITS} digits",
    ):
        assert words in FLAT, words
    assert PLACES == 6 and liveness.DRIFT_KEPT.total_seconds() == 600


def test_reasons_and_reserved_names_are_all_named() -> None:
    for word in (*REASONS, *RESERVED_NAMES, *IN_SECONDS, *IN_MS, *EVENTS, QUEUE_SECONDS):
        assert f"`{word}`" in TEXT, word
    assert {f"/v1/{signal}" for signal in Signal} == set(re.findall(r"`POST (/v1/\w+)`", TEXT))
    assert set(FIELDS) == set(Signal)
    assert all(kind.replace("_", " ") in TEXT for kind in KINDS.values())


def test_severities_become_the_levels_of_the_table() -> None:
    said: dict[str, str] = {}
    for low, high, words, level in re.findall(r"\| (\d+)–(\d+) \| ([\w, ]+) \| (\w+) \|", TEXT):
        assert {level_of(number, "") for number in range(int(low), int(high) + 1)} == {level}
        said |= {word.strip(): level for word in words.split(",")}
    assert said == WORDS
    assert level_of(0, "") == "info"
