"""A database that is taken away from a running server and given back: refused meanwhile, nothing swallowed."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url

from db.engine import make_engine
from tests import postgres
from tests.crashing import PATIENCE, SPANS, Client, stored
from tests.databases import Databases
from tests.served import make_key, served


@dataclass
class Outage:
    """What a client was told while the database was away, and what is stored at the end."""

    acknowledged: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    without_remedy: int = 0
    after: int = 0
    lost: int = 0
    wrong: int = 0

    def __str__(self) -> str:
        said = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items())) or "none"
        return (
            f"{self.acknowledged * SPANS:,} spans acknowledged; while it was away: {said} "
            f"({self.without_remedy} without Retry-After); {self.after} batches acknowledged after it was back, "
            f"by the same process; lost {self.lost}, doubled or half {self.wrong}"
        )

    @property
    def holds(self) -> bool:
        told = set(self.answers) == {503} and not self.without_remedy
        return told and self.after > 0 and not (self.lost or self.wrong)


def rehearse(server: postgres.Server, folder: Path) -> Outage:
    """Serve on `server`, which is this function's alone; stop it while a client reports, and start it again."""
    made = Databases(folder, lambda: server.url)
    again = None
    try:
        with made.migrated("postgresql") as url:
            engine = make_engine(url)
            _, token = make_key(engine)
            with served(url, folder) as ours:
                client = Client(1, ours, token)
                thread = threading.Thread(target=client.run, daemon=True)
                thread.start()
                _until(lambda: len(client.acknowledged) > 2)
                take_away(server)
                _until(lambda: len(client.refused) > 3)
                refused, before = list(client.refused), len(client.acknowledged)
                again = give_back(server)
                _until(lambda: len(client.acknowledged) > before + 2)
                client.ended.set()
                thread.join(PATIENCE)
            found = _looked(client, refused, before, stored(engine)[:2])
            engine.dispose()
            return found
    finally:
        made.close()
        if again is not None:
            again.stop()
        server.stop()


def _looked(
    client: Client, refused: list[tuple[int, str]], before: int, kept: tuple[Counter[str], Counter[str]]
) -> Outage:
    spans, _ = kept
    counts = [spans[trace] for trace in client.acknowledged]
    return Outage(
        acknowledged=len(client.acknowledged),
        answers=Counter(status for status, _ in refused),
        without_remedy=sum(not after for _, after in refused),
        after=len(client.acknowledged) - before,
        lost=counts.count(0),
        wrong=sum(count not in (0, SPANS) for count in counts),
    )


def take_away(server: postgres.Server) -> None:
    """Stop PostgreSQL as its administrator does, without waiting for anybody; its files stay."""
    folder = Path(str(make_url(server.url).query["host"]))
    pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGINT)
    _until(lambda: not (folder / "data" / "postmaster.pid").exists())


def give_back(server: postgres.Server) -> postgres.Server:
    """Start it again on the same files and at the same address."""
    return postgres.start_again(Path(str(make_url(server.url).query["host"])))


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")
