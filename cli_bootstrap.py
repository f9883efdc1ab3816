"""`quantum db bootstrap`: the four logins of an installation on PostgreSQL."""

import click


@click.command()
@click.argument("admin_url")
@click.option(
    "--database", help="The database's name; default: the one in ADMIN_URL. It is made where it is missing."
)
@click.option("--new-passwords", is_flag=True, help="Logins that are there get new passwords.")
def bootstrap(admin_url: str, database: str | None, new_passwords: bool) -> None:
    """Make owner, app, staff and system logins from an administrator's, and print the four settings.

    ADMIN_URL is postgresql://USER:PASSWORD@HOST/NAME of a login that may create roles and databases. It is used once
    and kept nowhere.
    """
    from db.bootstrap import BootstrapError
    from db.bootstrap import bootstrap as make
    from db.engine import DatabaseUnavailable

    try:
        settings = make(admin_url, database, new_passwords=new_passwords)
    except (BootstrapError, DatabaseUnavailable) as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(f"{name}={url}" for name, url in settings.items()))
    click.echo("Keep these where only the application reads them. Next: quantum migrate", err=True)
