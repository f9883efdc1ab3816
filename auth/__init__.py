"""Who is asking: sign-up, sign-in, sessions, and the guard before every door."""

from collections.abc import MutableMapping, Sequence
from typing import Any, Protocol

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from auth import (
    code_routes,  # noqa: F401 - brings its doors
    doors,
    events,
    factor_routes,  # noqa: F401 - brings its doors
    guard,
    headers,
    hosts,
    invites,
    own_data,
    passwords,
    people,
    quotas,
    recovery,
    refusals,
    routes,
    seldom,
)
from auth.people import SignedIn, current_person, require_person
from db.engine import Engine
from settings import Settings

__all__ = ["SignedIn", "attach_dash", "current_person", "init_app", "require_person"]


class DashApp(Protocol):
    """What is needed of a Dash application."""

    server: Flask
    callback_map: MutableMapping[str, Any]

    def csp_hashes(self) -> Sequence[str]: ...


def init_app(server: Flask, engine: Engine, settings: Settings) -> None:
    """Close every door of `server` and open sign-in and sign-up. Call it before `Dash(server=server)`.

    `engine` is the system's own login, which reads accounts.
    """
    passwords.nobody()
    guard.init_app(server)
    headers.init_app(server, production=settings.is_production, secret_key=settings.secret_key)
    people.init_app(server, engine, settings.session_idle)
    if settings.proxies:
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=settings.proxies, x_proto=0)  # type: ignore[method-assign]
    server.wsgi_app = hosts.only_known(server.wsgi_app, settings.hosts)  # type: ignore[method-assign, assignment]
    server.extensions[routes.INVITED_ONLY] = settings.sign_up == "invited"
    server.extensions[recovery.IS_MAILED] = settings.mail is not None
    server.extensions[hosts.PUBLIC_URL] = settings.public_url
    quotas.init_app(server, settings)
    for room in (recovery, invites, own_data, seldom):
        room.init_app(server)
    server.register_blueprint(routes.blueprint)
    refusals.init_app(server)
    events.init_app(server)


def attach_dash(app: DashApp) -> None:
    """Let the application's own inline scripts run and put every callback behind its permission. Call it last.

    Dash registers pages and scripts at the first request; that is done here, so that the hashes are complete.
    """
    server = app.server
    with server.test_request_context("/"):
        for prepare in list(server.before_request_funcs.get(None, ())):
            if prepare.__module__.startswith("dash."):
                prepare()
    headers.allow_scripts(server, app.csp_hashes())
    headers.serve_plainly(server, "health.health")
    doors.declare_dash(server, app.callback_map)
    guard.guard_outputs(server, app.callback_map)
