"""/api/v1/modules: the lists of every module, as they are declared; each with a route and a scope of its own."""

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import Field, create_model

from api.rest_answers import answer, begins_after, page
from api.rest_desk import PREFIX, Desk
from api.rest_models import (
    LONGEST_LINE,
    ModuleList,
    Moment,
    NothingAsked,
    Page,
    PageAsked,
    Strict,
    Text,
)
from auth.keys import ANY
from auth.permissions import allows
from db.keyset import read_slice
from db.listing import LISTINGS, Listing, Wish, kinds, shown_row, sliced

KINDS: dict[str, Any] = {
    "number": float | int,
    "money": float | int,
    "share": float | int,
    "moment": Moment,
    "day": date,
    "yes_no": bool,
    "id": UUID | str,
    "document": Any,
}


def add(desk: Desk) -> None:
    """Declare the routes at `desk`: one over all, one per list."""

    @desk.get("/modules", ANY, ModuleList)
    def modules(query: NothingAsked) -> Response:
        """List the modules' lists that the person behind this key may see, and the scope each needs."""
        role = desk.caller.key.role
        return answer({"items": [_described(each) for each in open_lists() if allows(role, each.needs)]})

    for listing in open_lists():
        desk.get(path_of(listing), listing.needs, _page_model(listing.name))(_reading(desk, listing))


def open_lists() -> list[Listing]:
    """The lists that a scope opens: those whose permission is one to read."""
    return [each for each in LISTINGS.values() if each.needs.endswith(":read")]


def module_of(listing: Listing) -> str:
    """The first word of the permission it needs."""
    return listing.needs.partition(":")[0]


def path_of(listing: Listing) -> str:
    return f"/modules/{module_of(listing)}/{listing.name}"


def _reading(desk: Desk, listing: Listing) -> Callable[..., Response]:
    filters = [column.key for column in listing.filters]

    def read(query: Any) -> Response:
        wish = Wish(
            search=getattr(query, "search", None) or "",
            chosen={name: getattr(query, name) for name in filters if getattr(query, name) is not None},
        )
        statement, keys = sliced(listing, wish)
        after = begins_after(query.cursor, keys)
        with desk.unit() as unit:
            found = read_slice(unit, statement, keys, after=after, size=query.limit)
        return page([shown_row(listing, row) for row in found.rows], found)

    read.__name__ = f"{module_of(listing)}_{listing.name}"
    read.__doc__ = f"List {listing.title.lower()}.\n\nOnly rows that the person behind the key may see."
    read.__annotations__["query"] = _asked_model(listing.name)
    return read


@cache
def _asked_model(name: str) -> Any:
    """What may be asked of the list of that name. Made once, as models take long to make."""
    listing = LISTINGS[name]
    fields: dict[str, Any] = {
        column.key: (
            Text | None,
            Field(None, max_length=LONGEST_LINE, description="Exactly this value; `none` for no value."),
        )
        for column in listing.filters
    }
    if listing.search:
        words = Field(None, max_length=LONGEST_LINE, description="Part of what the list is searched by.")
        fields["search"] = (Text | None, words)
    return create_model(f"{_name(listing)}Asked", __base__=PageAsked, **fields)


@cache
def _page_model(name: str) -> Any:
    """A page of the list of that name."""
    listing = LISTINGS[name]
    how = kinds(listing)
    columns: dict[str, Any] = {
        field.key: (KINDS.get(how[field.key], str) | None, Field(description=field.title))
        for field in listing.fields
    }
    row = create_model(f"{_name(listing)}Row", __base__=Strict, id=(UUID | str, ...), **columns)
    return create_model(f"{_name(listing)}Page", __base__=Page, items=(list[row], ...))  # type: ignore[valid-type]


def _name(listing: Listing) -> str:
    return f"{module_of(listing)}_{listing.name}".title().replace("_", "")


def _described(listing: Listing) -> dict[str, Any]:
    how = kinds(listing)
    return {
        "module": module_of(listing),
        "name": listing.name,
        "title": listing.title,
        "scope": listing.needs,
        "href": f"{PREFIX}{path_of(listing)}",
        "filters": [column.key for column in listing.filters] + (["search"] if listing.search else []),
        "columns": [
            {"name": each.key, "title": each.title, "kind": how[each.key]} for each in listing.fields
        ],
    }
