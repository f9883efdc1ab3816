"""The `quantum` command: serve, migrate, seed, db and metric are here, `user` and `import` stand beside it."""

import json
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

import cli_factor
import cli_links
import settings as environment
from cli_base import migrated, told
from cli_bootstrap import bootstrap
from cli_import import import_
from cli_key import key
from cli_months import months
from cli_rollup import rollup
from cli_user import user
from cli_verify import verify
from cli_work import work
from settings import Settings

WINDOWS = "all, 24h, 7d, 30d, 90d or START/END in ISO 8601 (UTC unless it carries an offset)."


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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def quantum() -> None:
    """ALSHAM QUANTUM: honest mission control for fleets of AI agents."""


for group in (import_, key, rollup, user, verify, work):
    quantum.add_command(group)
cli_factor.add_to(user, told, migrated)
cli_links.add_to(user, told, migrated)


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
        _refuse_strange_logins(current)
    _watch_login(current)
    click.echo(f"Starting ALSHAM QUANTUM ({current.env}) …")
    run(current, lambda: _application(current), lambda server: _begin(server, current), _end)


def _application(current: Settings) -> Any:
    from app import create_app

    return create_app(current).server


def _begin(server: Any, current: Settings) -> None:
    from app import WORKERS

    _announce(current)
    for worker in WORKERS:
        server.extensions[worker].start()


def _end(server: Any) -> None:
    from app import WORKERS

    for worker in reversed(WORKERS):
        server.extensions[worker].stop()


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
    _refuse_strange_logins(current)
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


def _refuse_strange_logins(current: Settings) -> None:
    """A login that no rule speaks of would see an empty database and be refused every change."""
    from db.row_security import APP, STAFF, SYSTEM
    from db.schema import is_member

    for name, url, group in (
        ("QUANTUM_DATABASE_URL", current.database_url, APP),
        ("QUANTUM_DATABASE_SYSTEM_URL", current.database_system_url, SYSTEM),
        ("QUANTUM_DATABASE_STAFF_URL", current.database_staff_url, STAFF),
    ):
        if not is_member(url, group):
            raise click.ClickException(
                f"{name} signs in as somebody who is no member of {group}, so every table is closed to it. "
                "Make the logins with: quantum db bootstrap ADMIN_URL"
            )


def _announce(current: Settings) -> None:
    from db.actor import SYSTEM
    from db.engine import make_engine, session
    from db.services.codes import issue_first_admin_code

    engine = make_engine(current.database_system_url)
    with session(engine, SYSTEM, write=True) as unit:
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
    from db.actor import OPERATOR
    from db.catalogue.loader import seed as plant
    from db.engine import session

    with session(migrated(current.database_system_url), OPERATOR, write=True) as unit:
        return plant(unit)


@quantum.group()
def db() -> None:
    """Look at the database."""


db.add_command(bootstrap)
db.add_command(months)


@db.command("stats")
@told
def stats() -> None:
    """Count tables, columns, indexes, policies, checks and triggers as found, beside the published claims."""
    from db.describe import stats as count
    from db.describe import stats_table

    engine = migrated(environment.load().database_owner_url)
    with engine.execution_options(quantum_read=True).connect() as connection:
        click.echo(stats_table(count(connection)))


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
    from db.actor import SYSTEM
    from db.engine import session
    from db.metric import METRICS, Window
    from db.proof import as_json as answer

    _refuse_unknown(key, subject)
    seen = Window.parse(window)
    keys = [key] if key else [name for name, each in METRICS.items() if not each.subject]
    with session(migrated(environment.load().database_system_url), SYSTEM) as unit:
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
