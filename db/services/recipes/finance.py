"""Lines of invoices → invoices with their lines."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from db.services.otlp import Invalid
from db.services.recipes.base import Found, Options, Reading, Record, grouped, known_sheet, recipe
from db.services.table_files import Lines, Sheet, null_or, shown

NEEDED = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
MOST_PRICE = Decimal(10) ** 12


@recipe(
    "online-retail",
    "invoices",
    notes=(
        "the file states neither currency nor tax nor status nor due date; they stay empty, and total is the amount",
    ),
)
def online_retail(lines: Lines, options: Options) -> Reading:
    """Invoice lines of a shop (UCI Online Retail), put together by invoice.

    InvoiceNo → invoice_number (with C before it a credit note, whose amount is negative); the first line's InvoiceDate
    → created_at; StockCode, Description, Quantity, UnitPrice → items; the exact sum of Quantity × UnitPrice → amount
    and total; CustomerID, Country → metadata. An invoice is known by its number and its lines: the same number with
    other lines is refused. One wrong line refuses its invoice, because the sum would be wrong.
    """
    found = known_sheet(lines, NEEDED)
    return Reading(
        _invoices(found),
        fields={"invoice_number": "InvoiceNo", "created_at": "InvoiceDate"},
    )


def _invoices(found: Sheet) -> Iterator[Found]:
    for number, rows in grouped(found, "InvoiceNo", "invoice").items():
        try:
            yield rows[0][0], _invoice(number, rows)
        except Invalid as error:
            yield rows[0][0], error


def _invoice(number: str, rows: list[tuple[int, dict[str, str]]]) -> Record:
    if null_or(number) is None:
        raise Invalid("InvoiceNo is empty, so nobody knows whose line this is; give it the invoice's number")
    items, amount = [], Decimal(0)
    for line, row in rows:
        item, worth = _item(number, line, row)
        items.append(item)
        amount += worth
    first = rows[0][1]
    lines = hashlib.sha256(orjson.dumps(items)).hexdigest()
    return Record(
        {
            "invoice_number": number,
            "created_at": first["InvoiceDate"],
            "amount": amount,
            "total": amount,
            "items": items,
            "metadata": {name: null_or(first[name]) for name in ("CustomerID", "Country")},
        },
        f"online-retail {number} {lines}",
    )


def _item(number: str, line: int, row: dict[str, str]) -> tuple[dict[str, Any], Decimal]:
    quantity, price = (_decimal(number, line, row, name) for name in ("Quantity", "UnitPrice"))
    if quantity != int(quantity):
        raise Invalid(f"invoice {shown(number)}, line {line:,}: Quantity {quantity} is no whole number")
    worth = quantity * price
    item = {
        "stock_code": null_or(row["StockCode"]),
        "description": null_or(row["Description"]),
        "quantity": int(quantity),
        # Text, because a JSON number would become a binary fraction.
        "unit_price": row["UnitPrice"].strip(),
        "amount": f"{worth:f}",
    }
    return item, worth


def _decimal(number: str, line: int, row: dict[str, str], name: str) -> Decimal:
    try:
        value = Decimal(row[name].strip())
        if value.is_finite() and abs(value) < MOST_PRICE:
            return value
    except InvalidOperation:
        pass
    raise Invalid(
        f"invoice {shown(number)}, line {line:,}: {name} {shown(row[name])} is no number; mend it, "
        "or the invoice's sum would be wrong"
    )
