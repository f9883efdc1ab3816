"""`quantum work`: run the scheduled jobs in a process of their own, beside or without `quantum serve`."""

import signal
import threading
from types import FrameType

import click

import settings as environment
from cli_base import migrated, told


@click.command()
@told
def work() -> None:
    """Run the scheduled jobs until told to end. Any number of processes may; each job runs in one at a time."""
    import logs
    from workers.schedule import Schedule

    current = environment.load()
    schedule = Schedule(migrated(current.database_system_url), current)
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    logs.init()
    schedule.start()
    click.echo(f"Working ({current.env}): {', '.join(sorted(schedule.declared))}.")
    ended.wait()
    click.echo("Ending …")
    schedule.stop()
