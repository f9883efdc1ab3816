"""`make freeze`: write the statements of row security into the newest revision that holds them.

Only while that revision is not released; afterwards a change of the rules gets a revision of its own.
"""

import sys
from pathlib import Path

from db.row_security import of_table, statements, undo

FROZEN = Path(__file__).resolve().parent.parent / "migrations" / "versions" / "20261127_numbers.sql"


def main() -> None:
    """Write the file and say what it holds; with a table's name, print what its own migration needs instead."""
    for table in sys.argv[1:]:
        print(";\n".join(of_table(table)) + ";")
    if sys.argv[1:]:
        return
    up, down = statements(), undo()
    between = "\n;;\n"
    FROZEN.write_text(f"-- up\n{between.join(up)}\n-- down\n{between.join(down)}\n", encoding="utf-8")
    print(f"{FROZEN.name}: {len(up)} statements up, {len(down)} down")


if __name__ == "__main__":
    main()
