"""Rules of row security as revisions froze them: each revision that changes rules holds all of them in a .sql file.

A later revision takes the former file's rules away as a whole and brings in its own, so that no single policy, grant or
guard has to be told apart from its successor. Nothing of `db` is read here: what is frozen stays.
"""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

UP, DOWN = "-- up\n", "-- down\n"
BETWEEN = "\n;;\n"
GROUPS = ("quantum_app", "quantum_staff", "quantum_system")

MAKE_GROUP = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{group}') THEN
        CREATE ROLE {group} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
    NULL;
END $$
"""


def replace_rules(former: Path, following: Path) -> None:
    """Take the rules of one file away and bring in another's. Does nothing where rows are guarded by the program."""
    if op.get_bind().dialect.name != "postgresql":
        return
    _run([*_spoken(former, DOWN), *_spoken(following, UP)])


def _run(statements: list[str]) -> None:
    """As they stand: no sign in them is a parameter."""
    for each in statements:
        op.get_bind().exec_driver_sql(each.replace("%", "%%"))


def _spoken(file: Path, part: str) -> list[str]:
    up, down = file.read_text(encoding="utf-8").split(UP, 1)[1].split(DOWN, 1)
    frozen = [each.strip() for each in (up if part == UP else down).split(BETWEEN) if each.strip()]
    if _has_groups():
        return frozen
    return [each for statement in frozen if (each := _for_everybody(statement)) is not None]


def _has_groups() -> bool:
    """Whether the groups of logins are there, after an attempt to make them."""
    _run([MAKE_GROUP.format(group=group) for group in GROUPS])
    found = text("SELECT count(*) FROM pg_roles WHERE rolname = ANY (:names)")
    return bool(op.get_bind().scalar(found, {"names": list(GROUPS)}) == len(GROUPS))


def _for_everybody(statement: str) -> str | None:
    """A statement that speaks of the groups, said of every login; None where that would give rights away."""
    if re.match(r"(GRANT|REVOKE)\b", statement):
        return None
    return re.sub(r" TO quantum_\w+(, quantum_\w+)*", " TO PUBLIC", statement)
