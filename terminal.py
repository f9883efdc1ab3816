"""What commands say on a terminal: refusals, and how far a long job is."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

SHOWN_REFUSALS = 50


def tell_refused(refused: Sequence[object], count: int, most: int) -> None:
    """Tell the first refusals on stderr, and how many more there are."""
    for refusal in refused[:most]:
        click.echo(str(refusal), err=True)
    if count > most:
        click.echo(f"… and {count - most:,} more refusals", err=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of plain text, each as wide as its widest word."""
    lines = [head, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    cells = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(word.ljust(width) for word, width in line).rstrip() for line in cells)


@contextmanager
def told_when_stopped(report: object, *failures: type[Exception]) -> Iterator[None]:
    """Tell on stderr what an import has done so far when it is broken off, by Ctrl-C or one of the failures."""
    told: tuple[type[BaseException], ...] = (KeyboardInterrupt, *failures)
    try:
        yield
    except told:
        said = (
            "Stopped before the end. What is stored stays; the same command again finds it there and goes on."
        )
        click.echo(f"{report}\n{said}", err=True)
        raise


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
        # In place: the next line, of the same or of the report, is written over this one.
        click.echo(
            f"  {share}  {count:,} {self.things} " + "\r" * self.terminal, err=True, nl=not self.terminal
        )
