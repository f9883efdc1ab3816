"""Keys of rows, remembered in a temporary file: however many rows an import has, memory stays flat.

A key that no index of the table answers is looked up here. Asking the table would read it whole for every batch, and
an import that takes minutes would take days.
"""

import sqlite3
from collections.abc import Iterable
from decimal import Decimal
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from db.services.otlp import Invalid

IP = IPv4Address | IPv6Address  # as PostgreSQL's driver gives an address; rows hold text
Names = tuple[str, ...]
Key = tuple[Names, tuple[Any, ...]]  # column names and their values
STREAMED = 5000


class Seen:
    """Keys of rows, each as a digest of 16 bytes in a file that SQLite removes by itself, also after a crash.

    Attributes:
        whole: the columns of which it holds every key of the table, so that the table need not be asked.
        everything: keep all keys it is given, as a dry run needs; else those of `whole` alone.
    """

    def __init__(self, everything: bool = False) -> None:
        self.whole: set[Names] = set()
        self.everything = everything
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode=OFF")
        self._file.execute("PRAGMA cache_size=-32000")
        self._file.execute("CREATE TABLE keys (digest BLOB PRIMARY KEY) WITHOUT ROWID")

    def load(self, session: Session, table: Table, names: Names) -> None:
        """Read every key of these columns that the table holds, once; from then on `add` keeps up with the import.

        Rows that somebody else writes meanwhile are not noticed by these columns, only by their id.
        """
        columns = [table.c[name] for name in names]
        rows = session.execute(select(*columns).execution_options(yield_per=STREAMED))
        for some in rows.partitions():
            self._put((names, plain(row)) for row in some)
        self.whole.add(names)

    def add(self, keys: Iterable[Key]) -> None:
        """Remember keys of rows just stored. Raises Invalid when there is no room left for them."""
        if self.everything or self.whole:
            self._put(key for key in keys if self.everything or key[0] in self.whole)

    def __contains__(self, key: Key) -> bool:
        if not self.everything and key[0] not in self.whole:
            return False
        found = self._file.execute("SELECT 1 FROM keys WHERE digest = ?", (_digest(key),))
        return found.fetchone() is not None

    def _put(self, keys: Iterable[Key]) -> None:
        digests = [(_digest(key),) for key in keys if None not in key[1]]
        try:
            self._file.execute("BEGIN")
            self._file.executemany("INSERT OR IGNORE INTO keys VALUES (?)", digests)
            self._file.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise Invalid(
                f"the keys already seen do not fit into the folder for temporary files ({error}); make room, or name "
                "another folder with SQLITE_TMPDIR, and import again"
            ) from None

    def close(self) -> None:
        self._file.close()


def plain(row: Iterable[Any]) -> tuple[Any, ...]:
    """Values as a row to be stored has them."""
    return tuple(str(value) if isinstance(value, IP) else value for value in row)


def _digest(key: Key) -> bytes:
    """The same for equal values: a decimal's minus before zero goes."""
    names, values = key
    same = tuple(value + 0 if isinstance(value, Decimal) else value for value in values)
    return blake2b(repr((names, same)).encode(), digest_size=16).digest()
