"""People by role, and who administers without a second factor, once more; and what recomputing itself found."""

from collections import Counter
from collections.abc import Iterator, Sequence

from db.models import AuthAccount, Job, Profile, SecondFactor
from db.recompute.base import Again, Rows, recomputes
from db.window import Window


@recomputes("people.count", "people.with_role", "people.admins_without_factor")
def people(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    profiles = list(rows.each(Profile.role, Profile.auth_user_id))
    open_doors = {account for account, is_open in rows.each(AuthAccount.id, AuthAccount.is_active) if is_open}
    guarded = {
        account
        for account, since in rows.each(SecondFactor.account_id, SecondFactor.confirmed_at)
        if since is not None
    }
    roles = Counter(row.role for row in profiles)
    admins = [row.auth_user_id for row in profiles if row.role == "admin"]
    bare = sum(account in open_doors and account not in guarded for account in admins)
    for window in windows:
        yield Again("people.count", window, len(profiles))
        yield Again("people.admins_without_factor", window, bare)
        for role, many in sorted(roles.items()):
            yield Again("people.with_role", window, many, subject=(role,))


@recomputes("numbers.agreed", "numbers.differing")
def numbers(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    told = (
        next((facts for name, facts in rows.each(Job.name, Job.facts) if name == "verify-numbers"), None)
        or {}
    )
    for window in windows:
        checked = told.get("checked", 0)
        yield Again("numbers.agreed", window, told.get("agreed", 0), checked)
        yield Again("numbers.differing", window, told.get("differing", 0), checked)
