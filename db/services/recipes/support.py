"""Event logs of a help desk → tickets."""

from collections.abc import Iterator

from db.services.otlp import Invalid
from db.services.recipes.base import Found, Options, Reading, Record, grouped, known_sheet, recipe
from db.services.table_files import Lines, Sheet, null_or, shown

STATES = {
    "New": "open",
    "Active": "in_progress",
    "Awaiting Evidence": "in_progress",
    "Awaiting Problem": "in_progress",
    "Awaiting User Info": "in_progress",
    "Awaiting Vendor": "in_progress",
    "Resolved": "resolved",
    "Closed": "closed",
}
PRIORITIES = {"1 - Critical": "critical", "2 - High": "high", "3 - Moderate": "normal", "4 - Low": "low"}
NEEDED = ("number", "incident_state", "priority", "opened_at", "resolved_at")


@recipe(
    "incidents",
    "support_tickets",
    notes=(
        "several events tell of one ticket; its last event is its state",
        "left out, because support_tickets has no column for them: people and groups by number, category, service "
        "level, counts of changes; the file holds no messages",
    ),
)
def incidents(lines: Lines, options: Options) -> Reading:
    """Incident event log of a ServiceNow desk (UCI), several events per ticket; the last one in the file counts.

    number → subject (the file has no title); incident_state → status; priority → priority; opened_at → created_at;
    resolved_at → resolved_at. Days come first in its dates. Tickets are known by their number.
    """
    found = known_sheet(lines, NEEDED)
    return Reading(
        _tickets(found),
        fields={
            "subject": "number",
            "status": "incident_state",
            "created_at": "opened_at",
        },
        formats={"created_at": "dmy", "resolved_at": "dmy"},
    )


def _tickets(found: Sheet) -> Iterator[Found]:
    for number, events in grouped(found, "number", "ticket").items():
        line, last = events[-1]
        yield line, _ticket(number, last)


def _ticket(number: str, last: dict[str, str]) -> Record | Invalid:
    if null_or(number) is None:
        return Invalid("number is empty, so nobody knows whose event this is; give it the ticket's number")
    status, priority = null_or(last["incident_state"]), null_or(last["priority"])
    if status is not None and status not in STATES:
        return Invalid(f"incident_state {shown(status)} is not one of {', '.join(STATES)}")
    if priority is not None and priority not in PRIORITIES:
        return Invalid(f"priority {shown(priority)} is not one of {', '.join(PRIORITIES)}")
    return Record(
        {
            "subject": number,
            "status": STATES[status] if status else None,
            "priority": PRIORITIES[priority] if priority else None,
            "created_at": last["opened_at"],
            "resolved_at": last["resolved_at"],
        },
        f"incidents {number}",
    )
