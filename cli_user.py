"""`quantum user`: the people of this installation, managed from the console."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

import settings as environment
from cli_base import migrated, told
from terminal import table

if TYPE_CHECKING:
    from db.engine import Session
    from db.services.accounts import Person

ROLES = "user, admin, architect, observer or strategist"
PASSWORD_STDIN = "Read the password from standard input."
SHOWN_SESSIONS = 50
email_option = click.option(
    "--email", required=True, metavar="ADDRESS", help="The address they sign in with."
)
password_option = click.option("--password-stdin", is_flag=True, help=PASSWORD_STDIN)


@click.group()
def user() -> None:
    """Manage people."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--username", required=True)
@click.option("--role", default="user", show_default=True, help=ROLES)
@click.option("--full-name", default=None)
@password_option
@told
def create_user(email: str, username: str, role: str, full_name: str | None, password_stdin: bool) -> None:
    """Make an account with its profile and points."""
    from auth.passwords import hash_password
    from db.actor import OPERATOR
    from db.engine import session
    from db.services.accounts import clean, register_account

    engine = migrated(environment.load().database_system_url)
    password = _password(password_stdin)
    clean(email=email, username=username, full_name=full_name, role=role, password=password)
    hashed = hash_password(password)
    with session(engine, OPERATOR, write=True) as unit:
        register_account(
            unit, email=email, username=username, full_name=full_name, password_hash=hashed, role=role
        )
    click.echo(f"Made {username} <{email}> with the role {role}.")


@user.command("list")
@told
def list_users() -> None:
    """List every account with its role and its last sign-in."""
    from db.actor import OPERATOR
    from db.engine import session
    from db.queries.people import known_people

    with session(migrated(environment.load().database_system_url), OPERATOR) as unit:
        people = known_people(unit)
    if not people:
        click.echo("There are no accounts yet.")
        return
    head = ("EMAIL", "USERNAME", "ROLE", "ACTIVE", "CREATED", "LAST SIGN-IN")
    rows = [
        (
            each.email,
            each.username or "—",
            each.role,
            "yes" if each.is_active else "no",
            _at(each.created),
            _at(each.last_sign_in),
        )
        for each in people
    ]
    click.echo(table(head, rows))


@user.command("role")
@email_option
@click.option("--role", required=True, help=ROLES)
@told
def change_role(email: str, role: str) -> None:
    """Give a person another role, which ends all their sessions."""
    from db.services import credentials

    with _somebody(email) as (unit, person):
        ended = credentials.change_role(unit, person.profile_id, role)
    click.echo(f"{person.email} has the role {role}. {_ended(ended)}")


@user.command("password")
@email_option
@password_option
@told
def change_password(email: str, password_stdin: bool) -> None:
    """Give a person another password, which ends all their sessions."""
    from auth.passwords import hash_password
    from db.services import credentials
    from db.services.account_fields import clean

    with _somebody(email, write=False) as (_, person):
        names = {"email": person.email, "username": person.username}
    password = _password(password_stdin)
    clean(password=password, **{name: text for name, text in names.items() if text})
    hashed = hash_password(password)
    with _somebody(email) as (unit, person):
        ended = credentials.change_password(unit, person.profile_id, hashed)
    click.echo(f"{person.email} has another password. {_ended(ended)}")


@user.command("close")
@email_option
@told
def close(email: str) -> None:
    """Let a person in no more, which ends all their sessions. What they made stays."""
    from db.services import credentials

    with _somebody(email) as (unit, person):
        ended = credentials.close_sign_in(unit, person.profile_id)
    click.echo(f"{person.email} cannot sign in any more. {_ended(ended)}")


@user.command("open")
@email_option
@told
def reopen(email: str) -> None:
    """Let a person in again."""
    from db.services import credentials

    with _somebody(email) as (unit, person):
        credentials.open_sign_in(unit, person.profile_id)
    click.echo(f"{person.email} can sign in.")


@user.command("sessions")
@email_option
@click.option("--end", is_flag=True, help="End them all.")
@told
def sessions(email: str, end: bool) -> None:
    """List where a person is signed in, or end it everywhere."""
    from db.queries.people import own_sessions
    from db.services.user_sessions import end_sessions

    if end:
        with _somebody(email) as (unit, person):
            ended = end_sessions(unit, person.profile_id)
        click.echo(f"{person.email}: {_ended(ended)}")
        return
    with _somebody(email, write=False) as (unit, person):
        found, total = own_sessions(unit, person.profile_id, datetime.now(UTC), SHOWN_SESSIONS)
    if not found:
        click.echo(f"{person.email} is signed in nowhere.")
        return
    head = ("BEGUN", "LAST REQUEST", "ADDRESS", "DEVICE")
    rows = [
        (
            _at(each.begun),
            _at(each.last_activity),
            each.address or "—",
            _device(each.device),
        )
        for each in found
    ]
    click.echo(table(head, rows))
    if total > len(found):
        click.echo(f"… and {total - len(found):,} more", err=True)


@contextmanager
def _somebody(email: str, *, write: bool = True) -> "Iterator[tuple[Session, Person]]":
    """A unit of work about the person with this address; a sentence when there is none."""
    from db.actor import OPERATOR
    from db.engine import session
    from db.services.accounts import find_by_email

    with session(migrated(environment.load().database_system_url), OPERATOR, write=write) as unit:
        person = find_by_email(unit, email)
        if person is None:
            raise click.ClickException(
                f"email: there is no account with the address {email!r}. `quantum user list` shows all."
            )
        yield unit, person


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "—"


def _device(device: Mapping[str, str]) -> str:
    return " · ".join(device[sign] for sign in ("browser", "system") if sign in device) or "—"


def _ended(sessions: int) -> str:
    return f"{sessions} session{'' if sessions == 1 else 's'} ended."
