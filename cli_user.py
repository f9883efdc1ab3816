"""`quantum user`: the people of this installation, managed from the console."""

import sys

import click

import settings as environment
from cli_base import migrated, told


@click.group()
def user() -> None:
    """Manage people."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--username", required=True)
@click.option(
    "--role", default="user", show_default=True, help="user, admin, architect, observer or strategist"
)
@click.option("--full-name", default=None)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@told
def create_user(email: str, username: str, role: str, full_name: str | None, password_stdin: bool) -> None:
    """Make an account with its profile and points."""
    from auth.passwords import hash_password
    from db.actor import SYSTEM
    from db.engine import session
    from db.services.accounts import clean, register_account

    engine = migrated(environment.load().database_system_url)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    clean(email=email, username=username, full_name=full_name, role=role, password=password)
    hashed = hash_password(password)
    with session(engine, SYSTEM, write=True) as unit:
        register_account(
            unit, email=email, username=username, full_name=full_name, password_hash=hashed, role=role
        )
    click.echo(f"Made {username} <{email}> with the role {role}.")


def _ask_password() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
