"""API, security, finance and AI: what their numbers and charts count, on both databases."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

import db.queries
from db.listing import LISTINGS, Wish, choices, read_page, read_row
from db.metric import METRICS, SERIES, TOO_FEW, Window, read, read_series
from db.models import Invoice, Transaction
from db.proof import prove
from db.queries.finance import currencies
from tests import module_rows_b
from tests.module_rows import IN_JUNE

assert db.queries.__all__
ALL = Window.parse("all")
JUNE = Window.parse(IN_JUNE)
SUMS = ("finance.invoiced", "finance.credited", "finance.paid", "finance.transacted")

# key: over all time, in June 2024
NUMBERS: dict[str, dict[str, tuple[Any, Any]]] = {
    "api": {
        "api.calls": (26, 24),
        "api.error_share": (100 * 3 / 26, 100 * 2 / 24),
        "api.clients": (2, 1),
        "api.response_p50_ms": (11, 11),
        "api.response_p95_ms": (21, 21),
        "api.response_p99_ms": (None, None),
        "api.failures": (2, 2),
        "api.apdex": (22 / 24, 22 / 24),
        "api.keys": (3, 3),
        "api.active_keys": (1, 1),
    },
    "security": {
        "security.events": (4, 3),
        "security.unresolved": (3, 2),
        "security.failed_logins": (3, 2),
        "security.sources": (2, 2),
        "security.audit_entries": (1, 1),
        "security.active_sessions": (1, 1),
    },
    "finance": {
        "finance.invoices": (5, 4),
        "finance.credit_notes": (1, 1),
        "finance.invoice_lines": (4, 4),
        "finance.transactions": (2, 2),
    },
    "ai": {
        "ai.models": (3, 3),
        "ai.deployed_models": (1, 1),
        "ai.accuracy_best": (100, 100),
        "ai.predictions": (5, 4),
        "ai.prediction_correct_share": (75, 100 * 2 / 3),
        "ai.examples": (1, 1),
    },
}
CHARTS: dict[str, dict[str, list[tuple[Any, int]]]] = {
    "api": {
        "api.calls_by_status": [("200", 22), ("500", 2), ("399", 1), ("404", 1)],
        "api.calls_by_day": [("2024-05-01", 2), ("2024-06-01", 24)],
        "api.calls_by_endpoint": [("/things", 24), ("/old", 2)],
    },
    "security": {
        "security.events_by_type": [("login_failed", 3), ("brute_force", 1)],
        "security.events_by_source": [("10.0.0.1", 2), ("2001:db8::1", 1)],
        "security.events_by_day": [("2024-05-01", 1), ("2024-06-01", 2), ("2024-06-02", 1)],
    },
    "finance": {
        "finance.invoices_by_status": [(None, 2), ("draft", 1), ("paid", 1), ("sent", 1)],
        "finance.invoices_by_currency": [("GBP", 3), ("BRL", 1), (None, 1)],
        "finance.invoices_by_day": [("2024-05-01", 1), ("2024-06-01", 4)],
    },
    "ai": {
        "ai.models_by_status": [("training", 2), ("deployed", 1)],
        "ai.models_by_accuracy": [("90–100 %", 1), ("80–90 %", 1), (None, 1)],
    },
}
FILL: dict[str, Callable[[Session], Any]] = {
    "api": module_rows_b.api,
    "security": module_rows_b.security,
    "finance": module_rows_b.finance,
    "ai": module_rows_b.ai,
}


@pytest.mark.parametrize("module", NUMBERS)
def test_every_number_counts_what_its_sentence_says(db_session: Session, module: str) -> None:
    declared = {key for key, each in METRICS.items() if key.startswith(f"{module}.") and not each.subject}
    assert declared == set(NUMBERS[module])
    FILL[module](db_session)
    for window, place in ((ALL, 0), (JUNE, 1)):
        for key, values in NUMBERS[module].items():
            assert read(db_session, key, window).value == pytest.approx(values[place]), (key, window.name)


@pytest.mark.parametrize("module", NUMBERS)
def test_every_chart_counts_each_group_once(db_session: Session, module: str) -> None:
    assert {key for key in SERIES if key.startswith(f"{module}.")} == set(CHARTS[module])
    FILL[module](db_session)
    for key, expected in CHARTS[module].items():
        rows = read_series(db_session, key, ALL).rows
        found = [(row.get("label", row.get("at")), row["count"]) for row in rows]
        told = [(label if label is None else str(label), count) for label, count in found]
        assert sorted(told, key=str) == sorted(expected, key=str), key
        if "by_day" in key or "by_accuracy" in key:
            assert told == expected, key
        else:
            counts = [count for _, count in told]
            assert counts == sorted(counts, reverse=True), key


@pytest.mark.parametrize("module", NUMBERS)
def test_nothing_stored_is_zero_and_nothing_stated_a_dash(db_session: Session, module: str) -> None:
    for key in NUMBERS[module]:
        reading = read(db_session, key, ALL)
        known = METRICS[key].least == 0
        assert (reading.value, reading.reason) == ((0, None) if known else (None, METRICS[key].few)), key
    assert all(not read_series(db_session, key, ALL).rows for key in CHARTS[module])


@pytest.mark.parametrize("module", NUMBERS)
def test_the_proof_of_every_measure_runs_and_shows_rows(db_session: Session, module: str) -> None:
    FILL[module](db_session)
    measures = [*NUMBERS[module], *CHARTS[module], *(SUMS if module == "finance" else ())]
    for key in measures:
        currency = {"finance.transacted": "EUR"}.get(key, "GBP")
        proof = prove(db_session, key, ALL, (currency,) if key in SUMS else ())
        assert proof.rows and proof.tables, key
        assert "key_hash" not in (*proof.columns, proof.sql), key


def test_money_is_exact_and_of_one_currency(db_session: Session) -> None:
    module_rows_b.finance(db_session)

    def sums(currency: str, window: Window = ALL) -> list[float | int | None]:
        return [read(db_session, key, window, (currency,)).value for key in SUMS]

    assert sums("GBP") == [60.25, -40.05, 100.10, None]
    assert sums("BRL") == [7.00, 0, None, None]
    assert sums("BRL", JUNE) == [None] * 4
    assert sums("") == [9.00, 0, 0, None]
    assert sums("EUR") == [None, None, None, 12.34]
    assert currencies(db_session, Invoice) == ["GBP", "", "BRL"]
    assert currencies(db_session, Transaction) == ["EUR"]


def test_many_cents_add_up_without_drift(db_session: Session) -> None:
    cent = Decimal("0.01")
    for number in range(1000):
        row = {"invoice_number": str(number), "amount": cent, "tax": 0, "total": cent, "currency": "GBP"}
        db_session.add(Invoice(**row))
    db_session.flush()
    assert read(db_session, "finance.invoiced", ALL, ("GBP",)).value == 10.0


def test_a_percentile_of_too_few_durations_is_unknown(db_session: Session) -> None:
    module_rows_b.api(db_session)
    start = "2024-06-01T12:00:00Z"
    reading = read(db_session, "api.response_p95_ms", Window.parse(f"{start}/2024-06-01T12:00:20Z"))
    assert (reading.value, reading.n) == (None, 19)
    assert reading.reason == TOO_FEW
    reading = read(db_session, "api.response_p95_ms", Window.parse(f"{start}/2024-06-01T12:00:21Z"))
    assert (reading.value, reading.n) == (19, 20)


def test_a_keys_hash_is_in_no_list_and_on_no_page(db_session: Session) -> None:
    key = module_rows_b.api(db_session)
    row = read_row(db_session, LISTINGS["keys"], str(key.id))
    listed = read_page(db_session, LISTINGS["keys"], Wish()).rows
    assert row is not None and row["owner"] == "ada" and len(listed) == 3
    assert not any("hash" in str(each) for each in (row, *listed))


def test_a_list_is_searched_by_address_and_chosen_from_by_yes_and_no(db_session: Session) -> None:
    module_rows_b.security(db_session)
    events = LISTINGS["events"]
    assert read_page(db_session, events, Wish(search="2001:DB8")).total == 1
    assert sorted(choices(db_session, events)["resolved"], key=str) == [None, "false", "true"]
    found = {
        value: read_page(db_session, events, Wish(chosen={"resolved": value})).total
        for value in ("true", "false", "none")
    }
    assert found == {"true": 1, "false": 2, "none": 1}
