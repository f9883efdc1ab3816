"""`quantum user reset-link` and `quantum user invite`: links made at the console, for whoever gets no mail."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

import settings as environment

Command = Callable[..., Any]


def add_to(user: click.Group, told: Callable[[Command], Command], migrated: Callable[[str], Any]) -> None:
    """Add both commands to the group `user`. `told` turns failures into sentences, `migrated` opens a database."""
    reset = click.option("--email", required=True, help="The account's address.")(
        told(_with(migrated, reset_link))
    )
    user.command("reset-link", help=reset_link.__doc__)(reset)
    by_role = click.option(
        "--role", default="user", show_default=True, help="user, admin, architect, observer or strategist"
    )
    wanted = click.option("--email", required=True, help="The address they will sign in with.")
    user.command("invite", help=invite.__doc__)(wanted(by_role(told(_with(migrated, invite)))))


def _with(migrated: Callable[[str], Any], command: Command) -> Command:
    """The command in a unit of work on the system's login, of which links are made."""

    def run(**given: str) -> None:
        from db.actor import OPERATOR
        from db.engine import session

        current = environment.load()
        base = current.link_base
        with session(migrated(current.database_system_url), OPERATOR, write=True) as unit:
            told = command(unit, base, datetime.now(UTC), **given)
        click.echo(told)

    return run


def reset_link(unit: Any, base: str, now: datetime, email: str) -> str:
    """Print a link with which a person chooses a new password. It works once, within 24 hours."""
    from db.services.accounts import find_for_sign_in
    from db.services.links import NotAllowed, issue_reset

    found = find_for_sign_in(unit, email)
    if found is None:
        raise click.ClickException(f"There is no account {email}.")
    try:
        made = issue_reset(unit, found.person.profile_id, None, now)
    except NotAllowed as refused:
        raise click.ClickException(str(refused)) from None
    return f"{base}{made.path}\nGive it to {found.person.email} only. It works once, until {_told(made.expires_at)}."


def invite(unit: Any, base: str, now: datetime, email: str, role: str) -> str:
    """Print a link with which somebody makes an account of this address and role. It works once, within 7 days."""
    from db.services.links import issue_invite

    made = issue_invite(unit, email, role, None, now)
    return f"{base}{made.path}\nGive it to {email} only. It works once, until {_told(made.expires_at)}."


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
