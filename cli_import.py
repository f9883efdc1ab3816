"""`quantum import`: telemetry, networks and rows of tables, from files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import settings as environment
from cli_base import migrated, told
from terminal import SHOWN_REFUSALS, Progress, tell_refused, told_when_stopped

if TYPE_CHECKING:
    from db.services.otlp_files import Report

EDGE_COLUMNS = ("source", "target", "weight", "kind")


@click.group("import")
def import_() -> None:
    """Bring data in from files."""


@import_.command("otlp")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--allow-refused", is_flag=True, help="Exit 0 although something was refused.")
@told
def import_otlp(files: tuple[Path, ...], allow_refused: bool) -> int:
    """Import OpenTelemetry traces, logs and metrics: OTLP as JSON, JSON lines or protobuf, gzipped or not.

    What a file holds is recognised line by line. Importing makes no agent operational.
    """
    from db.services.otlp_files import import_files
    from db.services.rollups import roll_up_all

    engine = migrated(environment.load().database_system_url)
    report = import_files(engine, files, Progress())
    roll_up_all(engine)
    tell_refused(report.refused, len(report.refused), SHOWN_REFUSALS)
    click.echo(
        f"stored {stored_words(report)} · already there {report.already:,} · refused {len(report.refused):,}"
        f" · agents first seen {report.agents:,} · spans whose parent has not arrived {report.parents_missing:,}"
    )
    return 1 if report.refused and not allow_refused else 0


def stored_words(report: "Report") -> str:
    """What was stored, each kind that was: `5 spans, 2 log records`; `0 spans` where nothing was."""
    kinds = (("spans", report.spans), ("log records", report.logs), ("points", report.points))
    found = [f"{count:,} {word}" for word, count in kinds if count]
    return ", ".join(found) or "0 spans"


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
    engine = migrated(environment.load().database_system_url)
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
    from db.services.otlp import Invalid
    from db.services.recipes.base import Options

    engine = migrated(environment.load().database_system_url)
    try:
        asked = Options(**given | {"maps": service.asked_maps(given["maps"]), "key": _names(given["key"])})
        with told_when_stopped(report := service.TableReport(), DatabaseUnavailable):
            service.import_table(engine, table, files, asked, Progress("rows"), report)
    except Invalid as error:
        raise click.ClickException(str(error)) from None
    tell_refused(report.refused, report.refusals, SHOWN_REFUSALS)
    click.echo("".join(f"note: {note}\n" for note in report.notes) + str(report))
    return 1 if report.refusals and not allow_refused else 0


@import_.command("checks")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--allow-refused", is_flag=True, help="Exit 0 although something was refused.")
@told
def import_checks(files: tuple[Path, ...], allow_refused: bool) -> int:
    """Import histories of checks from delimited text (CSV), gzipped or not.

    Fields: checked_at (ISO 8601 with an offset), service, status (up or down), and where there are some http_code,
    response_ms and commit. Their share of checks is shown at /status; it is no availability.
    """
    from db.services.check_history import import_checks as bring

    report = bring(migrated(environment.load().database_system_url), files, Progress("rows"))
    tell_refused(report.refused, report.refusals, SHOWN_REFUSALS)
    click.echo(str(report))
    return 1 if report.refusals and not allow_refused else 0


@import_.command("measurements")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--only",
    multiple=True,
    metavar="METRIC",
    help="This metric of the file, and no other; as often as needed.",
)
@click.option(
    "--name", default="", help="What the series is called, where the file holds a time and a value alone."
)
@click.option("--unit", default="", help="The unit, where the file does not say it.")
@click.option("--source", default="", help="Whose measurements they are, where the file does not say it.")
@click.option("--allow-refused", is_flag=True, help="Exit 0 although something was refused.")
@told
def import_measurements(files: tuple[Path, ...], allow_refused: bool, **given: Any) -> int:
    """Import measurements from delimited text (CSV), gzipped or not: time series that others recorded.

    The first line names the fields: a time and `value`, or a column per metric such as `CpuUsageRate(%)`, or a row per
    measurement with `metric` and `value`. Blank and NaN cells are measurements without a value. They are shown at
    /measurements.
    """
    from db.engine import DatabaseUnavailable
    from db.services.measurement_files import Wanted
    from db.services.measurement_import import import_measurements as bring
    from db.services.table_import import TableReport

    engine = migrated(environment.load().database_system_url)
    with told_when_stopped(report := TableReport(), DatabaseUnavailable):
        bring(engine, files, Wanted(**given), Progress("measurements"), report)
    tell_refused(report.refused, report.refusals, SHOWN_REFUSALS)
    click.echo("".join(f"note: {note}\n" for note in report.notes) + str(report))
    return 1 if report.refusals and not allow_refused else 0


@import_.command("marks")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="What came by a file of the same name before goes first.")
@click.option("--allow-refused", is_flag=True, help="Exit 0 although something was refused.")
@told
def import_marks(files: tuple[Path, ...], replace: bool, allow_refused: bool) -> int:
    """Import marks on the time line: injected faults, labelled anomalies, and what else happened when.

    Fields of CSV, or of the objects of a JSON list: begin, and where there are some end, kind, label, metric, source
    and note. A mark without metric and source is about all series.
    """
    from db.services.annotation_import import import_marks as bring

    report = bring(migrated(environment.load().database_system_url), files, replace=replace)
    tell_refused(report.refused, report.refusals, SHOWN_REFUSALS)
    click.echo("".join(f"note: {note}\n" for note in report.notes) + str(report))
    return 1 if report.refusals and not allow_refused else 0


@import_.command("recipes")
def list_recipes() -> None:
    """List the files that `import table --recipe` knows, and which of their fields become which columns."""
    from db.services.recipes import RECIPES

    click.echo("\n\n".join(map(str, RECIPES.values())))


@import_.command("usage")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--provider", required=True, help="Whose report it is, such as openai.")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="FIELD goes to COLUMN: day, model, input_tokens, output_tokens, cost or currency. After FIELD, :dmy or :mdy "
    "reads day or month first, :comma decimal commas.",
)
@click.option("--currency", help="Currency of all costs, where no field says it, such as USD.")
@click.option("--replace", is_flag=True, help="What this provider reported before of the same days goes.")
@click.option("--dry-run", is_flag=True, help="Say what would be stored, and store nothing.")
@told
def import_usage(files: tuple[Path, ...], provider: str, maps: tuple[str, ...], **given: Any) -> int:
    """Import what a provider of models reports was used: delimited text (CSV), gzipped or not.

    Lines are added up by day, model and currency; all files of one command are one report. Nothing is stored when a
    line cannot be read, because a sum would be too low. The page Reconciliation holds it against our own numbers.
    """
    from db.services.otlp import Invalid
    from db.services.table_import import asked_maps
    from db.services.usage_import import Wanted
    from db.services.usage_import import import_usage as bring

    engine = migrated(environment.load().database_system_url)
    try:
        report = bring(engine, files, Wanted(provider, asked_maps(maps), **given), Progress("lines"))
    except Invalid as error:
        raise click.ClickException(str(error)) from None
    tell_refused(report.refused, report.refusals, SHOWN_REFUSALS)
    click.echo(str(report))
    return 1 if report.refusals else 0
