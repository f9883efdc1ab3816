"""`quantum key`: keys for programs, made, listed and ended at the console."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

import settings as environment
from cli_base import migrated, told
from terminal import table

if TYPE_CHECKING:
    from auth.own_keys import Wish
    from db.engine import Session
    from db.queries.held_keys import HeldKey
    from db.services.accounts import Person

SCOPES = (
    "What it may do; give it several times: ingest, fleet:read, fleet:write, metrics:read, agent:ID, "
    "or a module such as crm:read."
)
# What the console calls the fields of a key.
OPTIONS = {"name": "--name", "scopes": "--scope", "expires": "--expires", "rate_limit": "--rate-limit"}


@click.group()
def key() -> None:
    """Manage the keys of programs."""


@key.command("create")
@click.option("--user", "email", required=True, metavar="EMAIL", help="In whose name the key acts.")
@click.option("--name", required=True, help="What tells the key from others.")
@click.option("--scope", "scopes", multiple=True, required=True, help=SCOPES)
@click.option("--expires", default=None, metavar="DAYS|DATE", help="After so many days, or on 2027-01-31.")
@click.option(
    "--rate-limit", type=int, default=None, metavar="PER_HOUR", help="At each address; else as set."
)
@told
def create(
    email: str, name: str, scopes: tuple[str, ...], expires: str | None, rate_limit: int | None
) -> None:
    """Make a key. It alone is printed, once, so that KEY=$(quantum key create ...) works; nothing keeps it."""
    from auth.own_keys import Wish
    from db.actor import OPERATOR
    from db.engine import session
    from db.services.api_keys import make_key

    wish = Wish(name, scopes, _moment(expires), rate_limit)
    engine = migrated(environment.load().database_system_url)
    with session(engine, OPERATOR, write=True) as unit:
        person = _somebody(unit, email)
        wish = _checked(wish, person)
        _, token = make_key(
            unit,
            person.profile_id,
            wish.name,
            wish.scopes,
            expires_at=wish.expires_at,
            rate_limit=wish.rate_limit,
        )
    click.echo(token)
    until = f"until {wish.expires_at:%Y-%m-%d %H:%M} UTC" if wish.expires_at else "until it is revoked"
    said = f"Keep it now; it is shown only this once. It acts as {person.email} ({', '.join(wish.scopes)}) {until}."
    click.echo(said, err=True)


@key.command("list")
@click.option("--user", "email", default=None, metavar="EMAIL", help="Only the keys of this person.")
@told
def list_keys(email: str | None) -> None:
    """List keys: what each may do, when it was used last and until when it is accepted. No secrets."""
    from db.actor import OPERATOR
    from db.engine import session
    from db.queries.held_keys import held_keys

    with session(migrated(environment.load().database_system_url), OPERATOR) as unit:
        wanted = None if email is None else _somebody(unit, email).profile_id
        found = held_keys(unit, wanted)
    if not found:
        click.echo("There are no keys. Make one with: quantum key create", err=True)
        return
    head = ("PREFIX", "NAME", "OWNER", "SCOPES", "STATE", "LAST USED", "EXPIRES")
    now = datetime.now(UTC)
    rows = [
        (
            each.prefix,
            each.name,
            each.owner or "—",
            " ".join(each.scopes) or "—",
            _state(each, now),
            _at(each.last_used_at, "never"),
            _at(each.expires_at, "never"),
        )
        for each in found
    ]
    click.echo(table(head, rows))


@key.command("revoke")
@click.argument("prefix")
@told
def revoke(prefix: str) -> None:
    """End the key that begins with PREFIX (the word between qk_ and the secret): it is refused from now on."""
    from db.actor import OPERATOR
    from db.engine import session
    from db.services.api_keys import prefix_of, revoke_prefix

    wanted = prefix_of(prefix) or prefix  # who pastes the whole key means its prefix
    with session(migrated(environment.load().database_system_url), OPERATOR, write=True) as unit:
        if not revoke_prefix(unit, wanted):
            raise click.ClickException(
                f"PREFIX: no active key begins with {wanted!r}. `quantum key list` shows all."
            )
    click.echo(f"The key {wanted} is refused from now on.")


def _checked(wish: "Wish", person: "Person") -> "Wish":
    """The wish, if this person can have it; a sentence that names the option where not."""
    from auth.keys import SCOPES as known
    from auth.keys import needs_of
    from auth.own_keys import checked, is_scope
    from auth.permissions import allows
    from db.services.account_fields import FieldErrors

    for scope in wish.scopes:
        if not is_scope(scope):
            raise click.ClickException(
                f"--scope {scope}: there is no such scope. Use agent:ID or one of {', '.join(known)}."
            )
        if not allows(person.role, needs_of(scope)):
            raise click.ClickException(
                f"--scope {scope}: a key cannot exceed its person, and the role {person.role} of {person.email} does "
                f"not include {needs_of(scope)}. Leave it out, or change the role with `quantum user role`."
            )
    try:
        return checked(wish, person.role, datetime.now(UTC))
    except FieldErrors as wrong:
        said = "\n".join(f"{OPTIONS.get(name, name)}: {words}" for name, words in wrong.errors.items())
        raise click.ClickException(said) from None


def _somebody(unit: "Session", email: str) -> "Person":
    from db.services.accounts import find_by_email

    person = find_by_email(unit, email)
    if person is None:
        raise click.ClickException(
            f"--user: there is no account with the address {email!r}. `quantum user list` shows all."
        )
    if not person.is_active:
        raise click.ClickException(
            f"--user: the account {email} is closed, so a key of it would open nothing. "
            f"Open it with `quantum user open --email {email}`."
        )
    return person


def _moment(said: str | None) -> datetime | None:
    if said is None:
        return None
    try:
        if said.isascii() and said.isdigit():
            return datetime.now(UTC) + timedelta(days=int(said))
        at = datetime.fromisoformat(said)
    except (ValueError, OverflowError):
        raise click.ClickException(
            f"--expires {said}: give a number of days or a date such as 2027-01-31."
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _state(each: "HeldKey", now: datetime) -> str:
    if not each.is_active:
        return "revoked"
    return "expired" if each.expires_at is not None and each.expires_at <= now else "active"


def _at(moment: datetime | None, never: str) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else never
