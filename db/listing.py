"""One table read as a list: declared once, then searched, filtered, sorted and paged by the database.

A listing names the columns a list shows; one row's page shows every column of the row, and its children.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Label,
    Table,
    Text,
    Uuid,
    case,
    cast,
    func,
    inspect,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.base import Base, Instant
from db.functions import lowered
from db.keyset import Key
from db.metric import Statement, Window

MOST_PER_PAGE = 200
MOST_CHOICES = 50
Column = InstrumentedAttribute[Any]


@dataclass(frozen=True)
class Field:
    """A column of a list; `title` is its English head.

    `kind` says how it is read: text, number, money, share (0 to 1, shown as percent), moment, day, yes_no, word,
    address (of a network), id or document.

    `word` is text out of a fixed set, which screens translate; `money` needs the listing's `currency`.

    `shows` is read in place of the column, such as the name of the person the column points at; it then goes under
    the key `name`, also on the row's page. `words` are values of kind word that no check of the table lists.
    """

    column: Column
    title: str
    kind: str = "text"
    shows: ColumnElement[Any] | None = None
    name: str = ""
    words: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name or self.column.key

    @property
    def read(self) -> Any:
        return self.column if self.shows is None else self.shows


@dataclass(frozen=True)
class Listing:
    """A table as a list.

    Attributes:
        name: names it in addresses, one word.
        title: what its rows are called, in English.
        model: the mapped class; its primary key is one column.
        fields: the columns shown, the first one names the row.
        search: columns in which the search looks.
        filters: columns with few values that can be chosen from, or what a field shows, labelled with its name.
        order: column of the first sorting; `descending` its direction.
        currency: column that says in which currency the money is; None where rows do not say.
        children: other listings whose rows belong to a row of this one, by their column.
        hidden: columns that no page shows, such as a key's hash.
        compare: two document columns, a record before and after, which the row's page shows side by side.
        where: a condition every row shown must fulfil.
        needs: name of the permission without which nobody sees the rows; "" for everybody signed in.
    """

    name: str
    title: str
    model: type[Base]
    fields: tuple[Field, ...]
    search: tuple[Column | ColumnElement[Any], ...]
    filters: tuple[Column | Label[Any], ...]
    order: Column
    descending: bool = True
    currency: Column | None = None
    children: tuple["Children", ...] = ()
    hidden: tuple[str, ...] = ()
    compare: tuple[str, str] | None = None
    where: Callable[[], ColumnElement[bool]] | None = None
    needs: str = ""


@dataclass(frozen=True)
class Children:
    """Rows of another listing that belong to a row: those whose `column` holds its key."""

    listing: Listing
    column: Column

    def belongs_to(self, key: str) -> ColumnElement[bool]:
        """The condition that a child's row belongs to the row with this key."""
        wanted: Any = UUID(key) if isinstance(self.column.type, Uuid) else key
        condition: ColumnElement[bool] = self.column == wanted
        return condition


LISTINGS: dict[str, Listing] = {}


def listed(listing: Listing) -> Listing:
    """Register `listing` under its name, which must be new."""
    if listing.name in LISTINGS:
        raise ValueError(f"{listing.name} is listed twice")
    LISTINGS[listing.name] = listing
    return listing


@dataclass(frozen=True)
class Wish:
    """What a reader asks of a list: words to find, chosen values by column, order and page."""

    search: str = ""
    chosen: Mapping[str, str] | None = None
    order: str = ""
    page: int = 1
    size: int = 25


@dataclass(frozen=True)
class Page:
    """Rows as mappings by column, how many match in all, and the page they are."""

    rows: list[dict[str, Any]]
    total: int
    number: int
    pages: int


def stated(meta: Column, column: str) -> ColumnElement[bool]:
    """True for rows whose source stated `column`, a column that may not be null.

    metadata.unstated names the columns of which a source said nothing, with a blank between them.
    """
    unstated = meta["unstated"].as_string()
    named = (" " + unstated + " ").contains(f" {column} ", autoescape=True)
    condition: ColumnElement[bool] = or_(unstated.is_(None), ~named)
    return condition


def told(listing: Listing, column: Any) -> Any:
    """`column` as its source told it: null where the value only stands in for one that was never stated."""
    mapped = inspect(listing.model).column_attrs
    if "meta" not in mapped or not isinstance(column, InstrumentedAttribute) or column.key not in mapped:
        return column
    stored = mapped[column.key].columns[0]
    if stored.nullable or stored.primary_key or isinstance(stored.type, Instant):
        return column
    return case((stated(listing.model.meta, stored.name), column))  # type: ignore[attr-defined]


def key_of(listing: Listing) -> Column:
    """The primary key's column."""
    (column,) = inspect(listing.model).primary_key
    found: Column = getattr(listing.model, inspect(listing.model).get_property_by_column(column).key)
    return found


def read_page(session: Session, listing: Listing, wish: Wish, *extra: ColumnElement[bool]) -> Page:
    """One page of the list; a page beyond the last is the last. Unknown orders and filters are left out."""
    conditions = [*_conditions(listing, wish), *extra]
    total = session.scalar(select(func.count()).select_from(listing.model).where(*conditions)) or 0
    size = min(max(wish.size, 1), MOST_PER_PAGE)
    pages = max(1, -(-total // size))
    number = min(max(wish.page, 1), pages)
    found = session.execute(
        select(*_shown(listing))
        .where(*conditions)
        .order_by(_ordering(listing, wish.order), key_of(listing))
        .limit(size)
        .offset((number - 1) * size)
    ).mappings()
    return Page([_stated(dict(row)) for row in found], total, number, pages)


def sliced(listing: Listing, wish: Wish) -> tuple[Statement, tuple[Key, ...]]:
    """The list in its own order, to be read by `db.keyset`: each row holds its fields, `row_key` and `order_key`."""
    order = told(listing, listing.order)
    statement = select(*_shown(listing), order.label("order_key")).where(*_conditions(listing, wish))
    first = Key(order, "order_key", descending=listing.descending, nullable=True)
    return statement, (first, Key(key_of(listing), "row_key"))


def shown_row(listing: Listing, row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a row that `sliced` selected: its key and its fields, without what its source never stated."""
    stated_only = _stated(dict(row))
    return {"id": row["row_key"]} | {field.key: stated_only[field.key] for field in listing.fields}


def _stated(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the value its source never stated but its column demands (named in metadata.unstated)."""
    meta = row.get("meta")
    for key in str(meta.get("unstated", "")).split() if isinstance(meta, dict) else ():
        if key in row:
            row[key] = None
    return row


def _shown(listing: Listing) -> list[Any]:
    columns = {field.key: field.read for field in listing.fields}
    if listing.currency is not None:
        columns.setdefault(listing.currency.key, listing.currency)
    if "meta" in inspect(listing.model).column_attrs:
        columns.setdefault("meta", listing.model.meta)  # type: ignore[attr-defined]
    return [*[column.label(key) for key, column in columns.items()], key_of(listing).label("row_key")]


def _conditions(listing: Listing, wish: Wish) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [listing.where()] if listing.where else []
    if wish.search:
        escaped = wish.search.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        text = f"%{escaped}%"
        conditions.append(
            or_(*[lowered(cast(column, Text)).like(text, escape="\\") for column in listing.search])
        )
    filters = {column.key: column for column in listing.filters}
    for key, value in (wish.chosen or {}).items():
        if key in filters and value:
            conditions.append(_chosen(told(listing, filters[key]), value))
    return conditions


def _chosen(column: Any, value: str) -> ColumnElement[bool]:
    condition: ColumnElement[bool]
    if value == "none":
        condition = column.is_(None)
    elif isinstance(column.type, Boolean):
        condition = column.is_(value == "true")
    else:
        condition = cast(column, Text) == value
    return condition


def _ordering(listing: Listing, order: str) -> ColumnElement[Any]:
    fields = {field.key: field.read for field in listing.fields}
    wanted = fields.get(order.removeprefix("-"))
    column: ColumnElement[Any] = told(listing, listing.order if wanted is None else wanted)
    descending = listing.descending if wanted is None else order.startswith("-")
    return column.desc().nulls_last() if descending else column.asc().nulls_last()


def elsewhere(session: Session, listing: Listing, window: Window) -> tuple[datetime, datetime] | None:
    """First and last moment of the rows when none lies in `window`; None when some do, or none has a moment.

    The moment is the column the list is ordered by.
    """
    if not isinstance(listing.order.type, Instant):
        return None
    conditions = [listing.where()] if listing.where else []
    inside = func.count(case((window.covers(listing.order), 1)))
    first, last, count = session.execute(
        select(func.min(listing.order), func.max(listing.order), inside)
        .select_from(listing.model)
        .where(*conditions)
    ).one()
    return None if count or first is None else (first, last)


def choices(session: Session, listing: Listing) -> dict[str, list[str | None]]:
    """The values each filter can take, most frequent first."""
    found: dict[str, list[str | None]] = {}
    conditions = [listing.where()] if listing.where else []
    for column in listing.filters:
        said = (
            select(told(listing, column).label("said"))
            .select_from(listing.model)
            .where(*conditions)
            .subquery()
        )
        rows = session.execute(
            select(said.c.said)
            .group_by(said.c.said)
            .order_by(func.count().desc(), said.c.said)
            .limit(MOST_CHOICES)
        )
        found[column.key] = [_said(value) for (value,) in rows]
    return found


def _said(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def read_row(session: Session, listing: Listing, key: str) -> dict[str, Any] | None:
    """Every column of one row but the hidden ones, after what fields show in place of one; None when there is none."""
    column = key_of(listing)
    try:
        wanted: Any = UUID(key) if isinstance(column.type, Uuid) else key
    except ValueError:
        return None
    conditions = [listing.where()] if listing.where else []
    named = {field.name: field.read for field in listing.fields if field.name}
    shown = [read.label(name) for name, read in named.items()]
    found = session.execute(select(listing.model, *shown).where(column == wanted, *conditions)).one_or_none()
    if found is None:
        return None
    attributes = [each.key for each in inspect(listing.model).column_attrs if each.key not in listing.hidden]
    return _stated(
        dict(zip(named, found[1:], strict=True)) | {key: getattr(found[0], key) for key in attributes}
    )


def kinds(listing: Listing) -> dict[str, str]:
    """How each column of the model is read: as its field says, else by its type."""
    by_type: Sequence[tuple[type, str]] = (
        (bool, "yes_no"),
        (datetime, "moment"),
        (date, "day"),
        (Decimal, "number"),
        (int, "number"),
        (UUID, "id"),
        (str, "text"),
    )
    said = {field.key: field.kind for field in listing.fields}
    for each in inspect(listing.model).column_attrs:
        try:
            python = each.columns[0].type.python_type
        except NotImplementedError:
            python = dict
        kind = next((name for known, name in by_type if issubclass(python, known)), "document")
        said.setdefault(each.key, kind)
    return said


def words(listing: Listing) -> list[str]:
    """The values that columns of kind word can hold, by the table's checks or the field: what screens must say."""
    table = listing.model.__table__
    assert isinstance(table, Table)
    asked = [field for field in listing.fields if field.kind == "word"]
    wanted = {field.column.expression.name for field in asked}
    found = [word for field in asked for word in field.words]
    for constraint in table.constraints:
        text = str(getattr(constraint, "sqltext", ""))
        name, inside, rest = text.partition(" IN (")
        if inside and name in wanted:
            found += [value.strip().strip("'") for value in rest.rstrip(")").split(",")]
    return found
