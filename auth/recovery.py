"""/forgot asks for a link for a new password, /reset is where it leads.

Nothing here tells which accounts exist: /forgot does the same work for every name and only writes a row, which a worker
looks at later. Where no mail is sent, an administrator makes the link.
"""

from datetime import UTC, datetime

from flask import Flask, Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from auth import link_forms, links, passwords, people, routes, screen
from auth.attempts import count_request
from auth.doors import PUBLIC, permitted
from auth.routes import blueprint, show, show_message, typed, wait_first
from db.actor import SYSTEM
from db.engine import session
from db.services import outgoing_mail
from db.services.account_fields import Complaint, FieldErrors, clean
from db.services.links import RESET, OpenLink, find_open, redeem_reset
from db.services.sign_in_limits import TooManyAttempts
from i18n import t

IS_MAILED = "quantum_is_mailed"


def init_app(server: Flask) -> None:
    """The forms of this room, as they are shown again."""
    routes.AGAIN["auth.forgot"] = forgot_form
    routes.AGAIN["auth.reset"] = reset_form


@blueprint.route("/forgot", methods=["GET", "POST"])
@permitted(PUBLIC)
def forgot() -> AnyResponse:
    """The form that asks for a link, and its answer: the same for every name."""
    lang = screen.read().lang
    if not current_app.extensions[IS_MAILED]:
        return _ask_an_administrator(lang)
    if request.method == "GET":
        return forgot_form()
    login = request.form.get("login", "")
    if not login.strip():
        return forgot_form(t("Enter your e-mail address or user name.", lang), 400)
    now = datetime.now(UTC)
    try:
        with session(people.system_engine(), people.system_here(), write=True) as unit:
            account_id = count_request(unit, login, now)
            outgoing_mail.queue(unit, outgoing_mail.RESET, account_id, lang, now)
    except TooManyAttempts as refused:
        return wait_first(refused.wait, forgot_form)
    return show_message(t("Look into your mail", lang), _on_its_way(lang), 200, **_back(lang))


@blueprint.get("/reset/<token>")
@permitted(PUBLIC)
def open_reset(token: str) -> AnyResponse:
    """A link for a new password was followed."""
    return links.exchange(RESET, token)


@blueprint.route("/reset", methods=["GET", "POST"])
@permitted(PUBLIC)
def reset() -> AnyResponse:
    """The form for a new password, and its answer."""
    found, now = _held(), datetime.now(UTC)
    if found is None or request.method == "GET":
        return reset_form()
    password = request.form.get("password", "")
    try:
        _check(found, password)
    except FieldErrors as refused:
        return show(link_forms.reset(screen.read().lang, refused.errors), 400)
    password_hash = passwords.hash_password(password)
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        used = redeem_reset(unit, links.held(RESET), password_hash, now)
        if used and current_app.extensions[IS_MAILED]:
            kind = outgoing_mail.PASSWORD_CHANGED
            outgoing_mail.queue(unit, kind, used.account_id, screen.read().lang, now)
    if used is None:
        return _refused()
    links.let_go()
    lang = screen.read().lang
    routes.say_at_sign_in(t("Your new password is stored. Sign in with it.", lang))
    return redirect(url_for("auth.login"))


def forgot_form(problem: str = "", status: int | None = None) -> Response:
    """The form that asks for a link."""
    form = link_forms.forgot(screen.read().lang, typed(status), problem)
    return show(form, status or 200)


def reset_form(problem: str = "", status: int | None = None) -> Response:
    """The form for a new password; one message instead of it for every link that is not good."""
    if _held() is None:
        return _refused()
    return show(link_forms.reset(screen.read().lang, {}, problem), status or 200)


def _held() -> OpenLink | None:
    """The link this browser opened, if it is good now."""
    with session(people.system_engine(), SYSTEM) as unit:
        return find_open(unit, RESET, links.held(RESET), datetime.now(UTC))


def _check(found: OpenLink, password: str) -> None:
    """Raises FieldErrors for a password that cannot be one."""
    clean(password=password)
    if password.lower() in (found.email.lower(), (found.username or "").lower()):
        raise FieldErrors({"password": Complaint.PASSWORD_SELF})


def _refused() -> Response:
    lang = screen.read().lang
    text = t(
        "It was used before, is too old, was replaced by a newer one, or is not complete. Ask for a new one.",
        lang,
    )
    ask = t("Ask for a new link", lang)
    return show_message(t("This link does not work", lang), text, 404, href=url_for("auth.forgot"), back=ask)


def _on_its_way(lang: str) -> list[str]:
    return [
        t("If there is an account by this name, a link is on its way to its e-mail address.", lang),
        t(
            "It works once, within one hour. Nothing came? Look among the unwanted mail, or ask an administrator for "
            "a link.",
            lang,
        ),
    ]


def _ask_an_administrator(lang: str) -> Response:
    texts = [
        t(
            "This installation sends no mail. Ask an administrator for a link with which you choose a new password.",
            lang,
        ),
        t("Whoever has the server's console makes it with: quantum user reset-link", lang),
    ]
    return show_message(t("Forgot your password?", lang), texts, 200, **_back(lang))


def _back(lang: str) -> dict[str, str]:
    return {"href": url_for("auth.login"), "back": t("To the sign-in form", lang)}
