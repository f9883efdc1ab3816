"""Stored values as a person reads them: shares, and documents as they were recorded."""

from decimal import Decimal

import pytest
from dash import html

from pages._cells import LONGEST_DOCUMENT, MOST_LINES, MOST_TABLE_LINES, cell, code_name
from tests.components.readings import parts, text

LINE = {"stock_code": "10135", "quantity": 1, "unit_price": "2.51", "note": None}


@pytest.mark.parametrize(("lang", "shown"), [("en", "84.2\u00a0%"), ("pt-BR", "84,2\u00a0%")])
def test_a_share_is_a_percentage(lang: str, shown: str) -> None:
    assert cell(Decimal("0.8425"), "share", lang, "UTC") == shown
    assert cell(Decimal("0.729"), "share", "en", "UTC") == "72.9\u00a0%"  # binary fractions make it 72.8
    assert cell(Decimal(0), "share", "en", "UTC") == "0.0\u00a0%"
    assert cell(None, "share", lang, "UTC") is None


def test_lines_are_a_table_of_their_fields_as_recorded() -> None:
    drawn = cell(
        [LINE, {"stock_code": "M", "unit_price": "1000.5", "gift": True}], "document", "pt-BR", "UTC"
    )
    kinds = [part["type"] for part in parts(drawn)]
    assert (kinds.count("Tr"), kinds.count("Th"), kinds.count("Td")) == (3, 5, 10)
    classes = [part["className"] for part in parts(drawn) if part["type"] == "Th"]
    assert classes == ["align-start", "align-end", "align-end", "align-start", "align-start"]
    assert "1000.5" in text(drawn) and "true" in text(drawn) and "—" in text(drawn)


def test_what_is_cut_says_so() -> None:
    drawn = cell([LINE] * (MOST_LINES + 1), "document", "en", "UTC")
    assert "2,000 of 2,001" in text(drawn)
    assert "of" not in text(cell([LINE] * MOST_LINES, "document", "en", "UTC")).split()
    assert text(cell(["x" * LONGEST_DOCUMENT], "document", "en", "UTC")).endswith("…")


def test_many_lines_are_one_text_in_columns_and_none_is_lost() -> None:
    """A component for each cell of 592 lines kept a browser busy for half a minute."""
    lines = [LINE | {"quantity": count} for count in range(MOST_TABLE_LINES + 1)]
    drawn = cell(lines, "document", "en", "UTC")
    assert [part["type"] for part in parts(drawn)] == ["Div", "Pre"]
    head, *rows = text(drawn).splitlines()
    assert head.split() == list(LINE) and len(rows) == len(lines) and len(set(map(len, rows))) == 1
    assert [int(row.split()[1]) for row in rows] == list(range(len(lines)))


def test_fields_stand_in_a_list_and_an_empty_document_says_nothing() -> None:
    drawn = cell({"balance": 2143, "loan": "no", "deep": {"a": [1]}}, "document", "pt-BR", "UTC")
    assert [part["type"] for part in parts(drawn)].count("Dt") == 3
    assert "2143" in text(drawn) and '"a"' in text(drawn)
    assert cell({}, "document", "en", "UTC") is None and cell([], "document", "en", "UTC") is None


def test_a_name_too_long_for_a_phone_breaks_after_its_underscores_and_copies_as_it_is() -> None:
    short, long = code_name("user_id"), code_name("num_malformed_responses")
    assert short.children == "user_id"
    assert [part for part in long.children if not isinstance(part, html.Wbr)] == [
        *("num", "_", "malformed", "_", "responses")
    ]
    assert [place for place, part in enumerate(long.children) if isinstance(part, html.Wbr)] == [2, 5]
