"""Support, social and gamification: what their numbers and charts count, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import db.queries
from db.functions import seconds_between
from db.listing import LISTINGS, Wish, read_page, read_row
from db.metric import METRICS, SERIES, Window, read, read_series
from db.models import SupportTicket
from db.proof import prove, tables_of
from tests import module_rows
from tests.module_rows import IN_JUNE

assert db.queries.__all__
ALL = Window.parse("all")
JUNE = Window.parse(IN_JUNE)

# key: over all time, in June 2024
NUMBERS: dict[str, dict[str, tuple[Any, Any]]] = {
    "support": {
        "support.tickets": (5, 3),
        "support.open_tickets": (2, 1),
        "support.resolved_tickets": (3, 2),
        "support.critical_tickets": (1, 0),
        "support.resolution_hours_p50": (5.5, 1.0),
        "support.messages": (1, 1),
        "support.internal_notes": (2, 2),
    },
    "social": {
        "social.posts": (4, 2),
        "social.likes": (33, 23),
        "social.comments": (6, 2),
        "social.shares": (1, 0),
        "social.interactions": (17.5, 20.0),
        "social.trends": (2, 1),
    },
    "gamification": {
        "gamification.people": (2, 2),
        "gamification.points": (750, 750),
        "gamification.tasks_completed": (7, 7),
        "gamification.achievements": (2, 2),
        "gamification.achievement_points": (450, 450),
        "gamification.rankings": (3, 2),
    },
}
CHARTS: dict[str, dict[str, list[tuple[Any, int]]]] = {
    "support": {
        "support.tickets_by_priority": [("critical", 1), ("normal", 2), ("low", 1), (None, 1)],
        "support.tickets_by_status": [("resolved", 2), ("closed", 1), ("in_progress", 1), ("open", 1)],
        "support.tickets_by_day": [("2024-05-01", 1), ("2024-06-01", 2), ("2024-06-03", 1)],
    },
    "social": {
        "social.posts_by_platform": [("facebook", 3), ("reddit", 1)],
        "social.posts_by_type": [("photo", 2), (None, 1), ("video", 1)],
        "social.posts_by_day": [("2024-05-01", 1), ("2024-06-01", 2)],
    },
    "gamification": {
        "gamification.people_by_level": [("1", 1), ("2", 1)],
        "gamification.achievements_by_rarity": [("common", 1), ("epic", 1)],
        "gamification.rankings_by_period": [("weekly", 2), ("all_time", 1)],
    },
}
FILL: dict[str, Callable[[Session], Any]] = {
    "support": module_rows.support,
    "social": module_rows.social,
    "gamification": module_rows.gamification,
}


@pytest.mark.parametrize("module", NUMBERS)
def test_every_number_counts_what_its_sentence_says(db_session: Session, module: str) -> None:
    declared = {key for key in METRICS if key.startswith(f"{module}.")}
    assert declared == set(NUMBERS[module])
    FILL[module](db_session)
    for window, place in ((ALL, 0), (JUNE, 1)):
        read_now = {key: read(db_session, key, window).value for key in NUMBERS[module]}
        assert read_now == {key: values[place] for key, values in NUMBERS[module].items()}, window.name


@pytest.mark.parametrize("module", CHARTS)
def test_every_chart_counts_each_group_once(db_session: Session, module: str) -> None:
    assert {key for key in SERIES if key.startswith(f"{module}.")} == set(CHARTS[module])
    FILL[module](db_session)
    for key, expected in CHARTS[module].items():
        rows = read_series(db_session, key, ALL).rows
        found = [(row.get("label", row.get("at")), row["count"]) for row in rows]
        assert sorted(found, key=str) == sorted(expected, key=str), key
        counts = [count for _, count in found]
        assert "by_day" in key or "by_level" in key or "priority" in key or counts == sorted(counts)[::-1]


def test_the_most_urgent_tickets_come_first(db_session: Session) -> None:
    module_rows.support(db_session)
    rows = read_series(db_session, "support.tickets_by_priority", ALL).rows
    assert [row["label"] for row in rows] == ["critical", "normal", "low", None]


@pytest.mark.parametrize("module", NUMBERS)
def test_nothing_stored_is_zero_and_nothing_stated_a_dash(db_session: Session, module: str) -> None:
    for key in NUMBERS[module]:
        reading = read(db_session, key, ALL)
        assert (reading.value, reading.reason) == (
            (0, None) if METRICS[key].least == 0 else (None, METRICS[key].few)
        )
    assert all(not read_series(db_session, key, ALL).rows for key in CHARTS[module])


@pytest.mark.parametrize("module", NUMBERS)
def test_the_rows_behind_a_number_are_the_rows_it_counts(db_session: Session, module: str) -> None:
    FILL[module](db_session)
    for key in NUMBERS[module]:
        proof = prove(db_session, key, JUNE)
        assert len(proof.rows) == proof.reading.n, key


def test_no_proof_shows_what_a_message_says_or_whose_points_are_counted(db_session: Session) -> None:
    module_rows.support(db_session)
    module_rows.gamification(db_session)
    for key in ("support.messages", "support.internal_notes"):
        assert "message" not in prove(db_session, key, ALL).columns
    assert prove(db_session, "gamification.people", ALL).columns == ("created_at",)


@pytest.mark.parametrize("window", [ALL, JUNE], ids=["all", "june"])
def test_every_measure_with_rows_behind_it_reads_a_table(window: Window) -> None:
    """A bare count that names no table is 1, whatever is stored."""
    every = [each for each in (*METRICS.values(), *SERIES.values()) if each.evidence is not None]
    bare = [each.key for each in every if not tables_of(each.build(window, *["1"] * len(each.subject)))]
    assert not bare


def test_a_list_shows_the_name_of_whom_a_column_points_at(db_session: Session) -> None:
    module_rows.gamification(db_session)
    rows = read_page(db_session, LISTINGS["stats"], Wish(order="username")).rows
    assert [row["username"] for row in rows] == ["ada", "grace"]
    (found,) = read_page(db_session, LISTINGS["stats"], Wish(search="GRA")).rows
    row = read_row(db_session, LISTINGS["stats"], str(found["row_key"]))
    assert row is not None and (row["username"], row["user_id"]) == ("grace", found["row_key"])


def test_a_list_sorts_and_searches_what_a_post_consists_of(db_session: Session) -> None:
    module_rows.social(db_session)
    rows = read_page(db_session, LISTINGS["posts"], Wish(order="type")).rows
    assert [row["type"] for row in rows] == ["photo", "photo", "video", None]
    assert read_page(db_session, LISTINGS["posts"], Wish(search="video")).total == 1


def test_a_message_that_does_not_say_so_is_internal(db_session: Session) -> None:
    module_rows.support(db_session)
    said = {
        name: sorted(row["message"] for row in read_page(db_session, LISTINGS[name], Wish()).rows)
        for name in ("messages", "notes")
    }
    assert said == {"messages": ["We look into it"], "notes": ["The relay is full", "Unmarked"]}
    (note, _) = read_page(db_session, LISTINGS["notes"], Wish()).rows
    assert read_row(db_session, LISTINGS["messages"], str(note["row_key"])) is None


def test_seconds_between_moments_are_the_same_on_both_databases(db_session: Session) -> None:
    module_rows.support(db_session)
    seconds = seconds_between(SupportTicket.created_at, SupportTicket.resolved_at)
    assert db_session.scalar(select(func.max(seconds))) == 360_000.0
    assert db_session.scalar(select(func.min(seconds))) == 3600.0
