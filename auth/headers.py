"""What every answer carries: the content policy, cookies that scripts cannot read, and no copy kept by anyone."""

from collections.abc import Sequence

from flask import Flask, Response, current_app, request
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.exceptions import BadRequest

from auth import doors, links, machines, screen
from auth.keys import KEYED
from auth.people import current_person, has_just_signed_in
from db.services.user_sessions import LASTS

SCRIPTS = "script-src"
# Elements may carry <style>: the component libraries put theirs in at run time. Attributes and scripts may not.
POLICY = {
    "default-src": "'none'",
    SCRIPTS: "'self'",
    "style-src": "'self'",
    "style-src-elem": "'self' 'unsafe-inline'",
    "style-src-attr": "'none'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PERMISSIONS = {"camera": "()", "geolocation": "()", "microphone": "()"}
FILES = ("/assets/", "/_dash-component-suites/", "/_favicon.ico")
CSRF_COOKIE = "_csrf_token"  # the name Dash's renderer reads; it sends the value back as X-CSRFToken
CSRF = CSRFProtect()


def init_app(server: Flask, *, production: bool, secret_key: str) -> None:
    """Cookies, token checks and headers. Outside production plain http is served."""
    server.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_NAME="__Host-quantum" if production else "quantum_session",
        SESSION_COOKIE_SECURE=production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=LASTS,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,  # see refuse_forged
    )
    CSRF.init_app(server)
    server.before_request(refuse_forged)
    # Flask asks in reverse order: what is registered before Talisman has the last word.
    server.after_request(links.keep_token_secret)
    if production:
        server.before_request(refuse_plain_http)
    talisman = Talisman(
        server,
        content_security_policy=dict(POLICY),
        frame_options="DENY",
        permissions_policy=PERMISSIONS,
        force_https=production,
        session_cookie_secure=production,
        strict_transport_security=production,
        strict_transport_security_include_subdomains=False,
    )
    server.extensions["quantum_talisman"] = talisman
    server.after_request(lambda response: _private(response, secure=production))


def serve_plainly(server: Flask, endpoint: str) -> None:
    """Answer `endpoint` without https too: a container's own health check has no certificate."""
    view = server.view_functions.get(endpoint)
    if view is not None:
        server.extensions["quantum_talisman"](force_https=False)(view)


def refuse_plain_http() -> None:
    """No program is led to https: it would send its key in the clear time and again, and lose its body on the way."""
    is_secure = request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
    if machines.at_their_door() and not is_secure:
        raise BadRequest(
            "Send this over https; over http anybody on the way reads the key. End this one, and make another."
        )


def refuse_forged() -> None:
    """The token against forged requests, but where a key is demanded: no browser sends one by itself.

    Asked by what the route declares. An exemption of the library's own goes by the name of a function and its file, and
    would let everything through that bears the same.
    """
    takes_a_key = (doors.needed_here() or "").startswith(KEYED)
    if request.endpoint is not None and not takes_a_key and current_app.config["WTF_CSRF_ENABLED"]:
        CSRF.protect()


def allow_scripts(server: Flask, hashes: Sequence[str]) -> None:
    """Let the inline scripts with these hashes run, and no others."""
    talisman = server.extensions["quantum_talisman"]
    talisman.content_security_policy[SCRIPTS] = " ".join(["'self'", *hashes])


def _private(response: Response, *, secure: bool) -> Response:
    """No copy of pages and data, kept by anyone; the token for Dash's callbacks where a person is signed in."""
    screen.remember(response, secure=secure)
    if _is_file(response):
        return response
    response.headers["Cache-Control"] = "no-store"
    if request.endpoint == "auth.logout" and response.status_code < 400:
        response.delete_cookie(CSRF_COOKIE, samesite="Strict", secure=secure)
    elif _is_page_of_a_person(response):
        response.set_cookie(CSRF_COOKIE, generate_csrf(), samesite="Strict", secure=secure, httponly=False)
    return response


def _is_file(response: Response) -> bool:
    """Whether this is one of the files that are the same for everybody, and not a page saying that it is missing."""
    return request.path.startswith(FILES) and response.mimetype not in ("text/html", "application/json")


def _is_page_of_a_person(response: Response) -> bool:
    """Public pages do not ask who is there: they must show even when the database is away."""
    if response.mimetype != "text/html" or response.status_code >= 500:
        return False
    return has_just_signed_in() if doors.needed_here() == doors.PUBLIC else current_person() is not None
