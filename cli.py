"""The `quantum` command: serve, migrate, seed, db stats, user create, import otlp, metric."""

import json
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

import settings as environment
from settings import Settings, SettingsError

WINDOWS = "all, 24h, 7d, 30d, 90d or START/END in ISO 8601 (UTC unless it carries an offset)."
SHOWN_REFUSALS = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command as a person does: every failure is one sentence on stderr, never a traceback.

    Returns the exit code, which tells whether it did what was asked.
    """
    try:
        result = quantum.main(args=arguments, prog_name="quantum", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 130
    return result if isinstance(result, int) else 0


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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def quantum() -> None:
    """ALSHAM QUANTUM: honest mission control for fleets of AI agents."""


@quantum.command()
@told
def serve() -> None:
    """Serve the application. In the local environment it migrates and seeds first."""
    from workers.server import run

    current = environment.load()
    _refuse_taken(current)
    if current.env in ("local", "demo", "test"):
        _prepare(current)
    else:
        _refuse_unmigrated(current)
    _watch_login(current)
    click.echo(f"Starting ALSHAM QUANTUM ({current.env}) …")
    run(current, build=lambda: _application(current), ready=lambda: _announce(current))


def _application(current: Settings) -> Any:
    from app import create_app

    return create_app(current).server


def _refuse_taken(current: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((current.host, current.port))
        except OSError as error:
            raise click.ClickException(
                f"{current.host}:{current.port} cannot be used ({error.strerror}). "
                "End what listens there, or choose another with QUANTUM_PORT."
            ) from None


def _watch_login(current: Settings) -> None:
    """Row security does not bind a superuser: refused in production, said elsewhere."""
    from db.schema import ignores_row_security

    if not ignores_row_security(current.database_url):
        return
    said = (
        "QUANTUM_DATABASE_URL signs in as a superuser or with BYPASSRLS, so row security does not bind the "
        "application. Use a login of its own without these rights."
    )
    if current.is_production:
        raise click.ClickException(said)
    click.echo(f"Warning: {said}", err=True)


def _prepare(current: Settings) -> None:
    from db.schema import upgrade

    upgrade(current.database_owner_url)
    seeded = _seed(current)
    if seeded:
        click.echo(f"Seeded {seeded} agents of the catalogue.")


def _refuse_unmigrated(current: Settings) -> None:
    from db.engine import make_engine
    from db.schema import head, version

    found = version(make_engine(current.database_url))
    if found != head():
        raise click.ClickException(
            f"The database is at revision {found or 'none'}, this version needs {head()}. Run: quantum migrate"
        )


def _announce(current: Settings) -> None:
    from db.engine import make_engine, session
    from db.services.codes import issue_first_admin_code

    engine = make_engine(current.database_system_url)
    with session(engine, write=True) as unit:
        code = issue_first_admin_code(unit, datetime.now(UTC))
    engine.dispose()
    click.echo(f"ALSHAM QUANTUM is at http://{current.host}:{current.port}")
    if code is not None:
        click.echo(f"First admin code: {code} (valid 60 minutes)")


@quantum.command()
@click.option(
    "--to", default="head", show_default=True, help="Revision to go up or down to; base is nothing."
)
@told
def migrate(to: str) -> None:
    """Bring the database's schema up (or down) to a revision."""
    from db.engine import make_engine
    from db.schema import migrate as move
    from db.schema import version

    url = environment.load().database_owner_url
    move(url, to)
    click.echo(f"The database is at revision {version(make_engine(url)) or 'none'}.")


@quantum.command()
@told
def seed() -> None:
    """Insert the catalogue's agents that were never seeded before."""
    click.echo(f"Seeded {_seed(environment.load())} agents of the catalogue.")


def _seed(current: Settings) -> int:
    from db.catalogue.loader import seed as plant
    from db.engine import session

    with session(_migrated(current.database_system_url), write=True) as unit:
        return plant(unit)


def _migrated(url: str) -> Any:
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


@quantum.group()
def db() -> None:
    """Look at the database."""


@db.command("stats")
@told
def stats() -> None:
    """Count tables, columns, indexes, policies, checks and triggers as found, beside the published claims."""
    from db.describe import stats as count
    from db.describe import stats_table

    engine = _migrated(environment.load().database_owner_url)
    with engine.execution_options(quantum_read=True).connect() as connection:
        click.echo(stats_table(count(connection)))


@quantum.group()
def user() -> None:
    """Manage people."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--username", required=True)
@click.option(
    "--role", default="user", show_default=True, help="user, admin, architect, observer or strategist"
)
@click.option("--full-name", default=None)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@told
def create_user(email: str, username: str, role: str, full_name: str | None, password_stdin: bool) -> None:
    """Make an account with its profile and points."""
    from auth.passwords import hash_password
    from db.engine import session
    from db.services.accounts import clean, register_account

    engine = _migrated(environment.load().database_system_url)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    clean(email=email, username=username, full_name=full_name, role=role, password=password)
    hashed = hash_password(password)
    with session(engine, write=True) as unit:
        register_account(
            unit, email=email, username=username, full_name=full_name, password_hash=hashed, role=role
        )
    click.echo(f"Made {username} <{email}> with the role {role}.")


def _ask_password() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@quantum.group("import")
def import_() -> None:
    """Bring data in from files."""


@import_.command("otlp")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--allow-refused", is_flag=True, help="Exit 0 although something was refused.")
@told
def import_otlp(files: tuple[Path, ...], allow_refused: bool) -> int:
    """Import OpenTelemetry traces: OTLP as JSON, JSON lines or protobuf, gzipped or not."""
    from db.services.otlp_files import import_files

    engine = _migrated(environment.load().database_system_url)
    report = import_files(engine, files, Progress())
    for refusal in report.refused[:SHOWN_REFUSALS]:
        click.echo(str(refusal), err=True)
    if len(report.refused) > SHOWN_REFUSALS:
        click.echo(f"… and {len(report.refused) - SHOWN_REFUSALS:,} more refusals", err=True)
    click.echo(
        f"stored {report.spans:,} spans · already there {report.already:,} · refused {len(report.refused):,}"
        f" · agents first seen {report.agents:,} · spans whose parent has not arrived {report.parents_missing:,}"
    )
    return 1 if report.refused and not allow_refused else 0


class Progress:
    """Tells on stderr how far an import is: in place on a terminal, else a line every two seconds."""

    def __init__(self) -> None:
        self.last = 0.0
        self.terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int, spans: int) -> None:
        if time.monotonic() - self.last < (0.1 if self.terminal else 2):
            return
        self.last = time.monotonic()
        share = f"{100 * done // total:3d} %" if total else ""
        click.echo(
            f"\r  {share}  {spans:,} spans " if self.terminal else f"  {share}  {spans:,} spans",
            err=True,
            nl=not self.terminal,
        )


@quantum.command()
@click.argument("key", required=False)
@click.option("--window", default="all", show_default=True, help=WINDOWS)
@click.option("--of", "subject", multiple=True, help="What it is about: an agent's id, or caller and callee.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: value, n, interval, SQL, parameters, tables."
)
@told
def metric(key: str | None, window: str, subject: tuple[str, ...], as_json: bool) -> None:
    """Read one metric, or all that speak of the whole fleet."""
    from db import queries  # noqa: F401 - fills the registry
    from db.engine import session
    from db.metric import METRICS, Window
    from db.metric import as_json as answer

    _refuse_unknown(key, subject)
    seen = Window.parse(window)
    keys = [key] if key else [name for name, each in METRICS.items() if not each.subject]
    with session(_migrated(environment.load().database_url)) as unit:
        answers = [answer(unit, each, seen, subject) for each in keys]
    if as_json:
        click.echo(json.dumps(answers[0] if key else answers, indent=2, ensure_ascii=False))
        return
    for each in answers:
        click.echo(_line(each))


def _refuse_unknown(key: str | None, subject: tuple[str, ...]) -> None:
    from db import queries  # noqa: F401 - fills the registry
    from db.metric import METRICS

    if key is None:
        return
    if key not in METRICS:
        raise click.ClickException(f"There is no metric {key!r}. Known are: {', '.join(sorted(METRICS))}")
    needed = METRICS[key].subject
    if len(needed) != len(subject):
        wanted = " ".join(f"--of {name.upper()}" for name in needed) or "no --of"
        raise click.ClickException(
            f"{key} speaks of {' and '.join(needed) or 'the whole fleet'}; give {wanted}."
        )


def _line(answer: dict[str, Any]) -> str:
    value = answer["value"]
    shown = (
        "—"
        if value is None
        else f"{value:,.6f}".rstrip("0").rstrip(".")
        if isinstance(value, float)
        else f"{value:,}"
    )
    interval = answer["interval"]
    doubt = f"  95 % interval {interval[0]:.1f}–{interval[1]:.1f}" if interval else ""
    reason = f"  {answer['reason']}" if answer["reason"] else ""
    return f"{answer['key']:<30} {shown:>16} {answer['unit']:<12} n = {answer['n']:,}{doubt}{reason}"


if __name__ == "__main__":
    sys.exit(main())
