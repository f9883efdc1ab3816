"""`quantum user factor` and `quantum user require-factor`: the second factor, from the console."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

import click

import settings as environment

Command = Callable[..., Any]


def add_to(user: click.Group, told: Callable[[Command], Command], migrated: Callable[[str], Any]) -> None:
    """Put the two commands into the group `user`. `told` turns failures into sentences, `migrated` gives an engine."""

    @user.command("factor")
    @click.option("--email", required=True, help="The address, or the user name, of the account.")
    @click.option("--reset", is_flag=True, help="Take the second factor and its recovery codes away.")
    @told
    def factor(email: str, reset: bool) -> None:
        """Say whether an account has a second factor, or take it away from somebody who lost phone and codes."""
        click.echo(_factor(migrated(environment.load().database_system_url), email, reset))

    @user.command("require-factor")
    @click.option("--role", required=True, help="user, admin, architect, observer or strategist")
    @click.option("--on/--off", "required", default=None, help="Demand it, or no longer.")
    @told
    def require_factor(role: str, required: bool | None) -> None:
        """Demand a second factor of everybody with a role; who has none sets one up before anything else."""
        if required is None:
            raise click.UsageError("Say --on or --off.")
        click.echo(_require(migrated(environment.load().database_system_url), role, required))


def _factor(engine: Any, email: str, reset: bool) -> str:
    from db.actor import SYSTEM
    from db.engine import session
    from db.services import second_factors
    from db.services.accounts import find_for_sign_in

    with session(engine, SYSTEM, write=reset) as unit:
        found = find_for_sign_in(unit, email)
        if found is None:
            raise click.ClickException(f"There is no account {email}.")
        account_id = found.person.account_id
        on = second_factors.find(unit, account_id)
        if reset:
            second_factors.turn_off(unit, account_id)
    if on is None:
        return f"{found.person.email} has no second factor."
    if reset:
        return f"{found.person.email} has no second factor any more; the password alone opens the account."
    since = on.since.astimezone(UTC)
    return f"{found.person.email} has a second factor since {since:%Y-%m-%d}; recovery codes left: {on.codes_left}."


def _require(engine: Any, role: str, required: bool) -> str:
    from db.actor import SYSTEM
    from db.engine import session
    from db.services.role_requirements import require_second_factor

    with session(engine, SYSTEM, write=True) as unit:
        changed = require_second_factor(unit, role, required)
    now = "needs a second factor" if required else "needs no second factor"
    return f"The role {role} {now}." if changed else f"The role {role} {now} already; nothing changed."
