"""`quantum db months`: what the tables that grow are cut into on PostgreSQL."""

import click

import settings as environment
from cli_base import migrated, told

EVERYTHING = 10**18  # rows


@click.command()
@click.option(
    "--move", is_flag=True, help="Give every month that waits in the rest its partition, however large."
)
@told
def months(move: bool) -> None:
    """List the partitions of each table with their rows, as PostgreSQL estimates them, and their room.

    The job `partitions` makes months and moves what came before them by itself, but leaves a month of more than 50,000
    waiting rows alone: whoever reads or stores while they move has to wait.
    """
    from db.actor import SYSTEM
    from db.engine import session
    from db.partitions import MONTHLY
    from db.services import months as cut

    engine = migrated(environment.load().database_system_url)
    if not cut.is_cut(engine):
        raise click.ClickException("SQLite keeps whole tables; there are no months.")
    for table in MONTHLY if move else ():
        for month, rows, outcome in cut.sort_in(engine, table, EVERYTHING):
            click.echo(f"{table} {month:%Y-%m}, {rows:,} rows: {outcome}")
    with session(engine, SYSTEM) as unit:
        for table in MONTHLY:
            for part in cut.parts(unit, table):
                about = "not counted yet" if part.rows is None else f"{part.rows:,} rows"
                click.echo(f"{part.name:<24}{about:>22}{part.size / 2**20:>12,.1f} MiB")
