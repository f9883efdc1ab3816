"""/finance: exact money, each currency for itself, and an invoice's page with its lines."""

import pytest
from sqlalchemy import Engine

from tests import module_rows, module_rows_b
from tests.reader import Reader, elements, module_body, module_row, readings, words
from tests.sessions import session


@pytest.fixture
def strategist(alice: Reader, engine: Engine) -> Reader:
    """Alice, whose role reads invoices."""
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", "strategist")
    return alice


@pytest.fixture
def invoice(engine: Engine) -> str:
    """Some invoices and transactions; the id of the one with two lines."""
    with session(engine, write=True) as unit:
        return str(module_rows_b.finance(unit).id)


def money(drawn: object) -> dict[tuple[str, str], str]:
    """data-value by metric and currency."""
    props = [each["props"] for each in elements(drawn)]
    return {
        (each["data-metric"], each["data-subject"]): each["data-value"]
        for each in props
        if each.get("data-subject", "[]") != "[]"
    }


@pytest.mark.databases("sqlite")
def test_an_empty_page_shows_no_currency_and_says_how_invoices_get_in(strategist: Reader) -> None:
    drawn = module_body(strategist, "finance")
    assert readings(drawn["top"])["finance.invoices"] == "0" and money(drawn["top"]) == {}
    assert "import table invoices FILE.csv --recipe online-retail" in words(drawn["list"])
    said = words(module_body(strategist, "finance", "?range=all&lang=en&list=transactions")["list"])
    assert "import table transactions FILE.csv" in said


def test_every_currency_has_its_own_sums(strategist: Reader, invoice: str) -> None:
    drawn = module_body(strategist, "finance")
    shown = money(drawn["top"])
    assert shown["finance.invoiced", '["GBP"]'] == "60.25"
    assert shown["finance.invoiced", '["BRL"]'] == "7.0"
    assert shown["finance.invoiced", '[""]'] == "9.0"
    assert shown["finance.transacted", '["EUR"]'] == "12.34"
    assert "60.25 GBP" in words(drawn["top"]) and "9.00 unknown currency" in words(drawn["top"])
    assert len(shown) == 3 * 3 + 1
    assert readings(drawn["top"])["finance.credit_notes"] == "1"


def test_invoices_are_listed_with_their_currency(strategist: Reader, invoice: str) -> None:
    said = words(module_body(strategist, "finance")["list"])
    assert "GBP\u00a0-40.05" in said and "BRL\u00a07.00" in said and "9 Jul 2024" in said
    said = words(module_body(strategist, "finance", "?lang=en&currency=none")["list"])
    assert "A5" in said and "A1" not in said
    said = words(module_body(strategist, "finance", "?lang=en&list=transactions&search=LAMP")["list"])
    assert "EUR\u00a012.34" in said and "99.99" not in said


def test_an_invoice_shows_its_lines(strategist: Reader, invoice: str) -> None:
    said = words(module_row(strategist, "finance", "invoices", invoice))
    for part in ("A1", "GBP\u00a0100.10", "bulb", "9 Jul 2024", "deal_id"):
        assert part in said, part


@pytest.mark.databases("sqlite")
def test_others_see_nothing_of_it(alice: Reader, invoice: str) -> None:
    drawn = module_body(alice, "finance")
    assert "Your role shows the rows that belong to you." in words(drawn["top"])
    assert readings(drawn["top"])["finance.invoices"] == "0"
    assert "There is no such row" in words(module_row(alice, "finance", "invoices", invoice))
