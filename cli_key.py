"""`quantum key`: keys for programs, made and ended at the console."""

from datetime import UTC, datetime, timedelta

import click

import settings as environment
from cli_base import migrated, told


@click.group()
def key() -> None:
    """Manage the keys of programs."""


@key.command("create")
@click.option("--user", "email", required=True, metavar="EMAIL", help="In whose name the key acts.")
@click.option("--name", required=True, help="What tells the key from others.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="What it may do; give it several times."
)
@click.option("--expires", default=None, metavar="DAYS|DATE", help="After so many days, or on 2027-01-31.")
@told
def create(email: str, name: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a key. It is printed once and kept nowhere."""
    from auth.keys import needs_of
    from auth.permissions import allows
    from db.actor import OPERATOR
    from db.engine import session
    from db.services.accounts import find_by_email
    from db.services.api_keys import make_key

    engine = migrated(environment.load().database_system_url)
    with session(engine, OPERATOR, write=True) as unit:
        person = find_by_email(unit, email)
        if person is None:
            raise click.ClickException(f"There is no account with the address {email}.")
        for scope in scopes:
            try:
                needed = needs_of(scope)
            except LookupError as error:
                raise click.ClickException(str(error)) from None
            if not allows(person.role, needed):
                raise click.ClickException(
                    f"--scope {scope}: the role {person.role} does not hold what it needs."
                )
        _, token = make_key(unit, person.profile_id, name, scopes, expires_at=_moment(expires))
    click.echo(token)


def _moment(said: str | None) -> datetime | None:
    if said is None:
        return None
    if said.isdigit():
        return datetime.now(UTC) + timedelta(days=int(said))
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise click.ClickException(
            f"--expires {said}: give a number of days or a date such as 2027-01-31."
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
