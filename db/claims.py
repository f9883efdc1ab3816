"""What was published about the schema of 2025-11-25, kept beside what a database is found to hold.

Source: the schema facts of the project, `schema/tables.yaml`, sections `counts` and `discrepancies`.
A test compares these constants with that file where it exists.
"""

from dataclasses import dataclass
from typing import Final

SOURCE: Final = "schema facts of 2025-11-25 (schema/tables.yaml, counts)"

# Printed with the migration notes of 2025-11-25.
CLAIMED: Final[dict[str, str]] = {
    "tables": "26",
    "columns": "279",
    "indexes": "120+",
    "policies": "70+",
    "constraints": "60+",
    "auth_triggers": "1",
    "functions": "1",
}

# Read back from a PostgreSQL catalogue after that schema had been applied.
PUBLISHED: Final[dict[str, int]] = {
    "tables": 26,
    "columns": 289,
    "indexes": 146,
    "explicit": 114,
    "implied_by_primary_key": 26,
    "implied_by_unique": 6,
    "constraints": 113,
    "checks": 50,
    "foreign_keys": 31,
    "unique": 6,
    "primary_keys": 26,
    "policies": 59,
    "auth_triggers": 1,
    "touch_triggers": 12,
    "functions": 2,
    "row_security": 26,
}

# What this project set out to build for the same 26 tables.
TARGET: Final[dict[str, int]] = {
    "tables": 26,
    "columns": 295,
    "indexes": 152,
    "explicit": 115,
    "implied_by_primary_key": 26,
    "implied_by_unique": 11,
    "checks": 57,
    "policies": 133,
}


@dataclass(frozen=True)
class Discrepancy:
    """A published statement that the published schema does not bear out, and how it stands here."""

    id: str
    claimed: str
    found: str
    cause: str
    here: str


DISCREPANCIES: Final = (
    Discrepancy(
        "columns",
        "279",
        "289",
        "The figures per table add up to 289; only their total was wrong.",
        "295 by the facts: the 289 and six that the target adds; each further one gives its "
        "reason in the data dictionary.",
    ),
    Discrepancy(
        "indexes",
        "120+",
        "146",
        "Reached only by counting the 32 indexes that keys bring along; 114 were written out, none of them on agents.",
        "Seven that repeated another index are left out, one became a unique key, nine were added.",
    ),
    Discrepancy(
        "policies",
        "70+",
        "59",
        "Never reached, and 33 of the 59 let every row pass.",
        "Counted in the database above, never assumed.",
    ),
    Discrepancy(
        "constraints",
        "60+",
        "113",
        "True when keys are counted; check constraints alone are 50.",
        "Each kind is counted by itself above.",
    ),
    Discrepancy(
        "functions",
        "1",
        "2",
        "The function behind the twelve updated_at triggers was not counted.",
        "Both exist, on PostgreSQL.",
    ),
    Discrepancy(
        "triggers",
        "1",
        "13",
        "One on registration and twelve that touch updated_at.",
        "The same thirteen exist on PostgreSQL. On SQLite only the application writes, and does their work.",
    ),
    Discrepancy(
        "not_rebuildable",
        "",
        "",
        "The migration file had lost its table definitions, and the older one that has them ends in a doubled line.",
        "One chain of revisions builds everything from nothing; a test does so on both databases.",
    ),
    Discrepancy(
        "registration_fails",
        "",
        "",
        "The registration function wrote a column xp, which does not exist.",
        "Sign-up writes user_stats.xp_points.",
    ),
    Discrepancy(
        "owner_never_matches",
        "",
        "",
        "Registration left profiles.auth_user_id empty, the very column that every owner rule compares.",
        "auth_user_id is unique and never null.",
    ),
    Discrepancy(
        "rollback_incomplete",
        "",
        "24 of 26 tables go",
        "Half a sentence swallowed the first drop, and agents was left by design.",
        "Going down to base leaves no object; a test counts.",
    ),
    Discrepancy(
        "signed_in_in_name_only",
        "",
        "",
        "Policies named authenticated also let in callers who had not signed in.",
        "Everything but sign-in, sign-up and health needs a signed-in person.",
    ),
    Discrepancy(
        "efficiency_not_measured",
        "",
        "",
        "Values said to be calculated came from a random number generator.",
        "agents.efficiency is null until something measures it.",
    ),
    Discrepancy(
        "delete_rules_missing",
        "",
        "five references",
        "Five references to profiles had no delete rule, so people could not be removed.",
        "All five are set null on delete.",
    ),
    Discrepancy(
        "audit_key_type",
        "",
        "",
        "audit_log.record_id could hold UUIDs only, while agents are keyed by text.",
        "record_id is text.",
    ),
)
