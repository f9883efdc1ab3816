"""What a person reads when a request cannot be answered: not theirs, a stale form, too large, the database away.

Under the doors of programs `api.door` answers instead.
"""

from flask import Flask, current_app, jsonify, redirect, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge, Unauthorized
from werkzeug.wrappers import Response

from auth import machines, routes, screen
from auth.events import note_forged_token
from auth.guard import is_page
from auth.recent import PasswordNeeded, confirm_address
from db.engine import DatabaseUnavailable
from db.guard import Denied
from i18n import t

Answer = Response | tuple[Response, int]


def init_app(server: Flask) -> None:
    """Register the answers."""
    server.register_error_handler(CSRFError, stale_form)
    server.register_error_handler(Unauthorized, nobody)
    server.register_error_handler(Forbidden, forbidden)
    server.register_error_handler(Denied, denied)
    server.register_error_handler(RequestEntityTooLarge, too_large)
    server.register_error_handler(DatabaseUnavailable, database_away)
    server.register_error_handler(PasswordNeeded, password_again)
    server.register_error_handler(machines.FactorOwed, factor_owed)


def stale_form(error: CSRFError) -> Answer:
    """The token is missing or of another session: 400, with the form to send again."""
    note_forged_token(error.description)
    text = t("This form was open for too long. Send it again.", screen.read().lang)
    if routes.is_form():
        return routes.form_again(text, 400)
    return jsonify(error="The CSRF token is missing or wrong; load the page again."), 400


def nobody(error: Unauthorized) -> Answer:
    """401 for what asked further in than the outer door."""
    return jsonify(error="Sign in first.", sign_in=url_for("auth.login")), 401


def forbidden(error: Forbidden) -> Answer:
    """403: signed in, but not for this."""
    lang = screen.read().lang
    title, text = not_yours(lang)
    if is_page():
        return routes.show_message(title, text, 403)
    return jsonify(error=text), 403


def denied(error: Denied) -> Answer:
    """403 for what no rule of the database lets this person do; which one it was is told to the log only."""
    current_app.logger.warning("%s", error)
    return forbidden(Forbidden())


def not_yours(lang: str) -> tuple[str, str]:
    """Title and text of every refusal."""
    return t("You may not do this", lang), t(
        "Your role does not include this. An administrator can change that.", lang
    )


def too_large(error: RequestEntityTooLarge) -> Answer:
    """More than a form or a callback can hold: 413, with an empty form."""
    text = t("What you sent is too large. Shorten the fields and send them again.", screen.read().lang)
    if routes.is_form():
        return routes.form_again(text, 413)
    return jsonify(error="What was sent is too large. Shorten it and send it again."), 413


def database_away(error: DatabaseUnavailable) -> Answer:
    """503; where the database is, is told to the log only."""
    current_app.logger.error("%s", error)
    lang = screen.read().lang
    title = t("The database does not answer", lang)
    text = t(
        "Nothing was lost. Try again in a moment; whoever runs this installation finds the reason in its log.",
        lang,
    )
    if routes.is_form() or is_page():
        return routes.show_message(title, text, 503)
    return jsonify(error=f"{title}."), 503


def factor_owed(error: machines.FactorOwed) -> Answer:
    """403 until the second factor is set up, with the address to go to."""
    return jsonify(error=error.description, set_up=url_for("auth.second_factor")), 403


def password_again(error: PasswordNeeded) -> Answer:
    """To /confirm and back to this page; 403 for programs, with the address to go to."""
    if routes.is_form() or is_page():
        asked = request.full_path.rstrip("?") if request.method == "GET" else request.path
        return redirect(confirm_address(asked))
    return jsonify(error=error.description, confirm=confirm_address("/")), 403
