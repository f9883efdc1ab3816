"""Histograms that add up: how many values fell into each of many narrow places, whose width grows with the value.

Place k holds the values from e^(k·WIDTH) up to e^((k+1)·WIDTH), the lower end included; everything below 1 lies in
place 0 with the 1. A percentile read from it is the middle of the place in which the nearest rank lies, on the scale
the places are even on: it is at most e^(WIDTH/2) - 1 = 2.02 % off, whatever the values.

Durations are whole nanoseconds. Amounts of any kind (`place_of_amount`) are decimals with six places: their places are
those of their millionths, with place -1 for 0 alone and mirrored ones below it for negative amounts, so that the order
of the places is the order of the amounts and the bound is the same for all of them; 0 is exact.
"""

import math
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Float, Integer, case, cast, func, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

WIDTH = 0.04
WORST = math.exp(WIDTH / 2) - 1
EXACT, BY_HISTOGRAM, BY_BUCKET = 0, 1, 2  # a row's `resolution`: how its value was found


# SQL for the place of a whole number; of none where the number is null.
PLACE = {
    "sqlite": f"CAST(ln(max({{value}}, 1)) / {WIDTH} AS INTEGER)",
    "postgresql": "CAST(floor(ln(CAST(CASE WHEN {value} < 1 THEN 1 ELSE {value} END AS double precision)) / "
    f"{WIDTH}) AS integer)",
}


class place_in_histogram(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """`place_in_histogram(value)`: the number of the place in which a whole number lies."""

    type = Integer()
    inherit_cache = True


@compiles(place_in_histogram, "sqlite")
def _place_sqlite(element: place_in_histogram, compiler: Any, **kw: Any) -> str:
    return PLACE["sqlite"].format(value=compiler.process(element.clauses, **kw))


@compiles(place_in_histogram)
def _place(element: place_in_histogram, compiler: Any, **kw: Any) -> str:
    return PLACE["postgresql"].format(value=compiler.process(element.clauses, **kw))


# SQL for the place of an amount, which may be negative, 0 or null.
AMOUNT_PLACE = {
    dialect: f"CASE WHEN {{value}} > 0 THEN {template.format(value='({value}) * 1000000.0')} "
    f"WHEN {{value}} < 0 THEN -2 - {template.format(value='-({value}) * 1000000.0')} "
    "WHEN {value} IS NOT NULL THEN -1 END"
    for dialect, template in PLACE.items()
}


class place_of_amount(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """`place_of_amount(value)`: the number of the place in which a decimal with up to six places lies."""

    type = Integer()
    inherit_cache = True


@compiles(place_of_amount, "sqlite")
def _amount_sqlite(element: place_of_amount, compiler: Any, **kw: Any) -> str:
    return f"({AMOUNT_PLACE['sqlite'].format(value=compiler.process(element.clauses, **kw))})"


@compiles(place_of_amount)
def _amount(element: place_of_amount, compiler: Any, **kw: Any) -> str:
    return f"({AMOUNT_PLACE['postgresql'].format(value=compiler.process(element.clauses, **kw))})"


def middle_of_amount(place: ColumnElement[Any]) -> ColumnElement[float]:
    """The amount that stands for all amounts of a place."""
    below = -middle_of(-2 - place) / 1e6
    return case((place >= 0, middle_of(place) / 1e6), (place == -1, 0.0), else_=below)


def place_of_number(value: float) -> int:
    """The place of a number, as `place_in_histogram` says it."""
    return math.floor(math.log(max(value, 1.0)) / WIDTH)


def middle_of(place: ColumnElement[Any]) -> ColumnElement[float]:
    """The value that stands for all values of a place."""
    return func.exp((cast(place, Float) + 0.5) * WIDTH, type_=Float())


class _entries(FunctionElement[Any]):  # noqa: N801 - reads as the SQL function it is
    """What a document holds, as rows of `key` and `value`."""

    name = "entries"
    inherit_cache = True


@compiles(_entries, "sqlite")
def _entries_sqlite(element: _entries, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_entries)
def _entries_postgresql(element: _entries, compiler: Any, **kw: Any) -> str:
    return f"jsonb_each_text({compiler.process(element.clauses, **kw)})"


class Entries:
    """The places of a stored histogram and their counts, as rows beside the row that holds it."""

    def __init__(self, document: Any) -> None:
        self.rows = _entries(document).table_valued("key", "value", name="entry")
        self.place = cast(self.rows.c.key, Integer)
        self.count = cast(self.rows.c.value, BigInteger)

    def beside(self, source: Any) -> Any:
        """`source` joined with them."""
        return source.join(self.rows, true())
