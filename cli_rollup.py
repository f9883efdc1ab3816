"""`quantum rollup`: count now what the scheduled job would count soon, or everything anew."""

from collections import Counter
from datetime import UTC, datetime

import click

import settings as environment
from cli_base import migrated, told
from terminal import Progress

MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M"])


@click.command()
@click.option("--rebuild", is_flag=True, help="Count everything anew, not only what changed.")
@click.option("--since", type=MOMENT, help="Anew from this moment on, in UTC; with --rebuild.")
@click.option("--until", type=MOMENT, help="Anew up to this moment, in UTC; with --rebuild.")
@told
def rollup(rebuild: bool, since: datetime | None, until: datetime | None) -> None:
    """Bring the roll-ups of spans, calls, log lines, measurements and programs' calls up to the stored rows.

    The scheduled job does so by itself. Numbers are right before and after; long windows are quicker after. It may be
    stopped at any time and goes on where it was.
    """
    from db.actor import SYSTEM
    from db.engine import session
    from db.services import rollups

    if (since or until) and not rebuild:
        raise click.UsageError("--since and --until choose what --rebuild counts anew; add --rebuild.")
    engine = migrated(environment.load().database_system_url)
    if rebuild:
        with session(engine, SYSTEM, write=True) as unit:
            rollups.touch_all(unit, _in_utc(since), _in_utc(until))
    with session(engine, SYSTEM) as unit:
        total = rollups.waiting(unit)
    bar, done = Progress("stretches of five minutes"), Counter[str]()

    def tell(taken: int) -> None:
        done["stretches"] += taken
        bar(done["stretches"], total, done["stretches"])

    try:
        rollups.roll_up_all(engine, progress=tell)
    finally:
        click.echo(f"rolled up {done['stretches']:,} stretches of five minutes")


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
