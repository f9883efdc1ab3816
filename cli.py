"""The `quantum` command: serve, migrate, seed, db stats, user create, import otlp, import network, metric."""

import json
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

import cli_links
import settings as environment
from settings import Settings, SettingsError
from terminal import SHOWN_REFUSALS, Progress, tell_refused, told_when_stopped

WINDOWS = "all, 24h, 7d, 30d, 90d or START/END in ISO 8601 (UTC unless it carries an offset)."
EDGE_COLUMNS = ("source", "target", "weight", "kind")


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
    run(current, lambda: _application(current), lambda server: _begin(server, current), _end)


def _application(current: Settings) -> Any:
    from app import create_app

    return create_app(current).server


def _begin(server: Any, current: Settings) -> None:
    from app import COLLECTOR, MAILER

    _announce(current)
    server.extensions[COLLECTOR].start()
    server.extensions[MAILER].start()


def _end(server: Any) -> None:
    from app import COLLECTOR, MAILER

    server.extensions[MAILER].stop()
    server.extensions[COLLECTOR].stop()


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

    with session(_migrated(current.database_system_url), OPERATOR, write=True) as unit:
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
    from db.actor import SYSTEM
    from db.engine import session
    from db.services.accounts import clean, register_account

    engine = _migrated(environment.load().database_system_url)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    clean(email=email, username=username, full_name=full_name, role=role, password=password)
    hashed = hash_password(password)
    with session(engine, SYSTEM, write=True) as unit:
        register_account(
            unit, email=email, username=username, full_name=full_name, password_hash=hashed, role=role
        )
    click.echo(f"Made {username} <{email}> with the role {role}.")


cli_links.add_to(user, told, _migrated)


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
    tell_refused(report.refused, len(report.refused), SHOWN_REFUSALS)
    click.echo(
        f"stored {report.spans:,} spans · already there {report.already:,} · refused {len(report.refused):,}"
        f" · agents first seen {report.agents:,} · spans whose parent has not arrived {report.parents_missing:,}"
    )
    return 1 if report.refused and not allow_refused else 0


@import_.command("network")
@click.option("--nodes", type=click.Path(path_type=Path), help="CSV or JSON with a row per node.")
@click.option("--edges", type=click.Path(path_type=Path), help="CSV or JSON with a row per connection.")
@click.option("--prefix", default="", help="Set before every id, so that two networks do not mix.")
@click.option("--id", "id_", metavar="COLUMN", help="The node's id.")
@click.option("--name", metavar="COLUMN", help="The node's name; its id where there is none.")
@click.option("--x", metavar="COLUMN", help="Where the node stands; with --y and, if it has depth, --z.")
@click.option("--y", metavar="COLUMN")
@click.option("--z", metavar="COLUMN")
@click.option(
    "--lat", metavar="COLUMN", help="Latitude in degrees; with --lon a place on a ball of radius 1."
)
@click.option("--lon", metavar="COLUMN")
@click.option("--source", metavar="COLUMN", help="The id of the node where the connection begins.")
@click.option("--target", metavar="COLUMN", help="The id of the node where it ends.")
@click.option("--weight", metavar="COLUMN", help="How strong the connection is, from 0 up.")
@click.option(
    "--kind", metavar="COLUMN", help="neural (also chemical), data, command or sync (also electrical)."
)
@click.option(
    "--nodes-columns", default="", help="Names of the nodes' columns, for a file without header: a,b,c"
)
@click.option("--edges-columns", default="", help="The same for the connections' file.")
@click.option("--allow-refused", is_flag=True, help="Exit 0 although something was refused.")
@told
def import_network(allow_refused: bool, **given: Any) -> int:
    """Import a network: agents of origin network, their places and the connections between them.

    Columns that are not named are found by their usual names, such as id, x, y, z, source, target, weight, kind.
    Without --nodes every end of a connection is a node.
    """
    from db.services.network_files import Columns
    from db.services.network_import import Given
    from db.services.network_import import import_network as bring
    from db.services.otlp import Invalid

    columns = {name: given[name] for name in ("name", "x", "y", "z", "lat", "lon", *EDGE_COLUMNS)}
    wanted = Given(
        given["nodes"],
        given["edges"],
        given["prefix"],
        Columns(id=given["id_"], **columns),
        _names(given["nodes_columns"]),
        _names(given["edges_columns"]),
    )
    engine = _migrated(environment.load().database_system_url)
    try:
        report = bring(engine, wanted, Progress("rows"))
    except Invalid as error:
        raise click.ClickException(str(error)) from None
    # On a terminal the first refusals are enough; a file or a pipe gets all of them.
    most = SHOWN_REFUSALS if sys.stderr.isatty() else len(report.refused)
    tell_refused(report.refused, report.why.total(), most)
    click.echo(str(report))
    return 1 if report.refused and not allow_refused else 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text.strip() else ()


@import_.command("table", epilog="The files known by --recipe are listed by: quantum import recipes")
@click.argument("table")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="FIELD goes to COLUMN. After FIELD, :dmy or :mdy reads day or month first, :comma decimal commas.",
)
@click.option(
    "--key", default="", metavar="COLUMN[,COLUMN]", help="What names a row, so that it is stored once."
)
@click.option("--recipe", default="", help="Read a known file, such as online-retail.")
@click.option("--year", type=click.IntRange(1, 9999), help="Year of a log whose times have none.")
@click.option("--zone", default="UTC", show_default=True, help="Time zone of times without an offset.")
@click.option("--dry-run", is_flag=True, help="Say what would be stored, and store nothing.")
@click.option("--allow-refused", is_flag=True, help="Exit 0 although something was refused.")
@told
def import_table(table: str, files: tuple[Path, ...], allow_refused: bool, **given: Any) -> int:
    """Import rows of TABLE from delimited text (CSV), gzipped or not.

    The first line names the fields; each goes to the column of its name. What a file does not say stays empty, and a
    row that is there already is left as it is.
    """
    from db.engine import DatabaseUnavailable
    from db.services import table_import as service

    engine = _migrated(environment.load().database_system_url)
    try:
        asked = service.Options(
            **given | {"maps": service.asked_maps(given["maps"]), "key": _names(given["key"])}
        )
        with told_when_stopped(report := service.TableReport(), DatabaseUnavailable):
            service.import_table(engine, table, files, asked, Progress("rows"), report)
    except service.Invalid as error:
        raise click.ClickException(str(error)) from None
    tell_refused(report.refused, report.refusals, SHOWN_REFUSALS)
    click.echo("".join(f"note: {note}\n" for note in report.notes) + str(report))
    return 1 if report.refusals and not allow_refused else 0


@import_.command("recipes")
def list_recipes() -> None:
    """List the files that `import table --recipe` knows, and which of their fields become which columns."""
    from db.services.recipes import RECIPES

    click.echo("\n\n".join(map(str, RECIPES.values())))


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
    from db.metric import as_json as answer

    _refuse_unknown(key, subject)
    seen = Window.parse(window)
    keys = [key] if key else [name for name, each in METRICS.items() if not each.subject]
    with session(_migrated(environment.load().database_system_url), SYSTEM) as unit:
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
