"""What every command of `quantum` stands on: failures told in a sentence, and a database this program knows."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from settings import SettingsError


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn the failures a person can do something about into one sentence."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from db.engine import DatabaseUnavailable
        from db.metric import WindowError
        from db.schema import SchemaError
        from db.services.account_fields import FieldErrors

        try:
            return command(*args, **kwargs)
        except (SettingsError, DatabaseUnavailable, SchemaError, WindowError, FieldErrors) as error:
            raise click.ClickException(str(error)) from None

    return wrapped


def migrated(url: str) -> Any:
    """An engine for `url`, whose schema is at this program's head."""
    from db.engine import make_engine
    from db.schema import head, known, version

    engine = make_engine(url)
    found = version(engine)
    if found != head():
        known(found)
        raise click.ClickException(
            f"The database is at revision {found or 'none'}, this version needs {head()}. Run: quantum migrate"
        )
    return engine
