"""Campaigns of a bank → deals."""

from collections.abc import Iterator
from decimal import Decimal

from db.services.otlp import Invalid
from db.services.recipes.base import Found, Options, Reading, Record, kept, known_sheet, recipe
from db.services.table_files import Lines, null_or, shown
from db.services.table_values import Unstated

OUTCOMES = {"yes": "closed", "no": "lost"}


@recipe(
    "bank-campaign",
    "deals",
    notes=(
        "the file names no client and no value: client_name is the contact's ID, value is 0 and marked as not stated",
        "day and month carry no year, so created_at is the moment of the import",
    ),
)
def bank_campaign(lines: Lines, options: Options) -> Reading:
    """Contacts of a bank's sales campaign (UCI Bank Marketing), one row per contact.

    ID → client_name; y → status (yes is closed, no is lost); value 0, named in metadata.unstated; every other field
    → metadata as recorded. The balance is the client's account, not the worth of the deal. Rows are known by their ID.
    """
    found = known_sheet(lines, ("ID", "y", "balance", "campaign", "poutcome"))
    return Reading(
        _contacts(found.mappings()),
        fields={"client_name": "ID", "status": "y"},
    )


def _contacts(rows: Iterator[tuple[int, dict[str, str] | Invalid]]) -> Iterator[Found]:
    for line, row in rows:
        yield line, row if isinstance(row, Invalid) else _contact(row)


def _contact(row: dict[str, str]) -> Record | Invalid:
    outcome = row["y"].strip()
    if outcome not in OUTCOMES:
        return Invalid(
            f"y {shown(outcome)} is neither yes nor no; the outcome of a contact must be one of them"
        )
    if null_or(row["ID"]) is None:
        return Invalid("ID is empty; without it the contact would be stored again with every import")
    return Record(
        {
            "client_name": row["ID"],
            "status": OUTCOMES[outcome],
            "value": Unstated(Decimal(0)),
            "metadata": kept(row, ("ID", "y")),
        },
        f"bank-campaign {row['ID']}",
    )
