"""/account/export and /account/close: people take their data along, and close their account."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Flask, Response, request
from werkzeug.wrappers import Response as AnyResponse

from auth import own_forms, passwords, people, routes, screen
from auth.attempts import try_to_confirm
from auth.doors import SIGNED_IN, permitted
from auth.people import SignedIn, require_person
from auth.routes import blueprint, show, show_message, typed, wait_first
from db.actor import SYSTEM
from db.engine import Engine, session
from db.queries.own_data import document
from db.services.closing import LastAdmin, close_account, is_last_admin
from db.services.sign_in_limits import TooManyAttempts
from i18n import t


def init_app(server: Flask) -> None:
    """The forms of this room, as they are shown again."""
    routes.AGAIN["auth.export"] = export_form
    routes.AGAIN["auth.close"] = close_form


@blueprint.route("/account/export", methods=["GET", "POST"])
@permitted(SIGNED_IN)
def export() -> AnyResponse:
    """The form that asks for the password, and the file."""
    me = require_person()
    if request.method == "GET":
        return export_form()
    try:
        if not try_to_confirm(request.form.get("password", "")):
            return show(own_forms.export(screen.read().lang, {"password": _wrong_password()}), 400)
    except TooManyAttempts as refused:
        return wait_first(refused.wait, export_form)
    return _file(me, datetime.now(UTC))


@blueprint.route("/account/close", methods=["GET", "POST"])
@permitted(SIGNED_IN)
def close() -> AnyResponse:
    """The form that says what will happen, and the closing."""
    me, lang = require_person(), screen.read().lang
    if _is_last_admin(me):
        return _last_admin(lang)
    if request.method == "GET":
        return close_form()
    if request.form.get("confirm", "").strip().lower() != _name(me).lower():
        wrong = {"confirm": t("This is not your user name.", lang)}
        return show(own_forms.close(lang, request.form, wrong, name=_name(me)), 400)
    try:
        if not try_to_confirm(request.form.get("password", "")):
            wrong = {"password": _wrong_password()}
            return show(own_forms.close(lang, request.form, wrong, name=_name(me)), 400)
    except TooManyAttempts as refused:
        return wait_first(refused.wait, close_form)
    unusable = passwords.hash_password(secrets.token_urlsafe(32))
    try:
        with session(people.system_engine(), people.system_here(), write=True) as unit:
            close_account(unit, me.profile_id, unusable)
    except LastAdmin:
        return _last_admin(lang)
    people.sign_out()
    return show_message(
        t("Your account is closed", lang),
        t(
            "Your name, address and password are gone, and every session has ended. Thank you for your time.",
            lang,
        ),
        200,
    )


def export_form(problem: str = "", status: int | None = None) -> Response:
    """The form that asks for the password."""
    return show(own_forms.export(screen.read().lang, {}, problem), status or 200)


def close_form(problem: str = "", status: int | None = None) -> Response:
    """The form that says what will happen."""
    form = own_forms.close(screen.read().lang, typed(status), {}, problem, name=_name(require_person()))
    return show(form, status or 200)


def _file(me: SignedIn, now: datetime) -> Response:
    body = _pieces(people.system_engine(), me, now)
    response = Response(body, mimetype="application/json")
    response.headers["Content-Disposition"] = f"attachment; filename=quantum-my-data-{now:%Y-%m-%d}.json"
    return response


def _pieces(engine: Engine, me: SignedIn, now: datetime) -> Iterator[str]:
    with session(engine, SYSTEM) as unit:
        yield from document(unit, me.profile_id, me.account_id, now)


def _is_last_admin(me: SignedIn) -> bool:
    with session(people.system_engine(), SYSTEM) as unit:
        return is_last_admin(unit, me.profile_id)


def _last_admin(lang: str) -> Response:
    text = t(
        "You are the only administrator. Make somebody else one first: without you, nobody could.",
        lang,
    )
    back = t("Back to my profile", lang)
    return show_message(t("Your account cannot be closed", lang), text, 409, href="/profile", back=back)


def _name(me: SignedIn) -> str:
    return me.username or me.email


def _wrong_password() -> str:
    return t("This is not your password.", screen.read().lang)
