"""Which version of a definition made a number: a digest that changes when what is counted changes, and only then."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from db.window import Window

DIGITS = 12
# Any fixed one: what is asked for is the text of the statement, and its constants.
EXAMPLE = Window(
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 2, tzinfo=UTC),
    "example",
    datetime(2024, 1, 2, tzinfo=UTC),
)


@cache
def application_version() -> str:
    """The application's version as installed, else as its project file beside this room says it."""
    try:
        return version("alsham-quantum")
    except PackageNotFoundError:
        import tomllib

        told = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
        return str(told["project"]["version"])


@cache
def code_version(build: Callable[..., Any], subject: tuple[str, ...]) -> str:
    """The application's version, and a digest of the declaring function and of the statement it makes.

    The statement tells of a change in what the function is made of. The same in every process and on every database.
    """
    said = [_source(build), *_statement(build, subject)]
    return f"{application_version()}+{sha256(chr(0).join(said).encode()).hexdigest()[:DIGITS]}"


def _source(build: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(build)
    except OSError:  # shipped without sources: the statement alone has to tell
        return ""


def _statement(build: Callable[..., Any], subject: tuple[str, ...]) -> list[str]:
    """The text and the constants, moments aside: they come from the window or from a setting."""
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    compiled = build(EXAMPLE, *subject).compile(dialect=dialect)
    constants = {name: value for name, value in compiled.params.items() if not isinstance(value, datetime)}
    return [str(compiled), repr(sorted(constants.items()))]
