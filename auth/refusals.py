"""What a person reads when a request cannot be answered: a stale form, one too large, a database that is away."""

from flask import Flask, current_app, jsonify
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from auth import routes, screen
from auth.guard import is_page
from db.engine import DatabaseUnavailable
from i18n import t

Answer = Response | tuple[Response, int]


def init_app(server: Flask) -> None:
    """Register the answers."""
    server.register_error_handler(CSRFError, stale_form)
    server.register_error_handler(RequestEntityTooLarge, too_large)
    server.register_error_handler(DatabaseUnavailable, database_away)


def stale_form(error: CSRFError) -> Answer:
    """The token is missing or of another session: 400, with the form to send again."""
    text = t("This form was open for too long. Send it again.", screen.read().lang)
    if routes.is_form():
        return routes.form_again(text, 400)
    return jsonify(error="The CSRF token is missing or wrong; load the page again."), 400


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
