"""What commands say on a terminal: refusals, and how far a long job is."""

import sys
import time
from collections.abc import Sequence

import click

SHOWN_REFUSALS = 50


def tell_refused(refused: Sequence[object], count: int, most: int) -> None:
    """Tell the first refusals on stderr, and how many more there are."""
    for refusal in refused[:most]:
        click.echo(str(refusal), err=True)
    if count > most:
        click.echo(f"… and {count - most:,} more refusals", err=True)


class Progress:
    """Tells on stderr how far an import is: in place on a terminal, else a line every two seconds."""

    def __init__(self, things: str = "spans") -> None:
        self.things = things
        self.last = 0.0
        self.terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int, count: int) -> None:
        if time.monotonic() - self.last < (0.1 if self.terminal else 2):
            return
        self.last = time.monotonic()
        share = f"{100 * done // total:3d} %" if total else ""
        click.echo(
            f"\r  {share}  {count:,} {self.things} "
            if self.terminal
            else f"  {share}  {count:,} {self.things}",
            err=True,
            nl=not self.terminal,
        )
