"""/login/code and /login/recovery, the second step of signing in, and /confirm, where the password is given again."""

from collections.abc import Callable

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

import i18n
from auth import attempts, factor, factor_forms, pending, people, recent, screen
from auth.addresses import safe_next
from auth.doors import PUBLIC, SIGNED_IN, permitted
from auth.forms import Form
from auth.routes import AGAIN, blueprint, kept_next, login_form, show, wait_first
from db.services.sign_in_limits import TooManyAttempts


@blueprint.route("/login/code", methods=["GET", "POST"])
@permitted(
    PUBLIC
)  # of no use without the right password given within the last five minutes; so is the next one
def code() -> AnyResponse:
    """The code of the app, asked after the right password."""
    return _second_step(factor_forms.code)


@blueprint.route("/login/recovery", methods=["GET", "POST"])
@permitted(PUBLIC)
def recovery() -> AnyResponse:
    """A recovery code, asked instead of the app's."""
    return _second_step(factor_forms.recovery)


@blueprint.route("/confirm", methods=["GET", "POST"])
@permitted(SIGNED_IN)
def confirm() -> AnyResponse:
    """The password once more, then back to where it was needed."""
    wanted = safe_next(request.args.get("next") or request.form.get("next"))
    if request.method == "GET":
        return confirm_form() if recent.needs_password_again() else redirect(wanted)
    try:
        given = request.form.get("password", ""), request.form.get("code", "")
        is_right = attempts.try_to_confirm(*given)
    except TooManyAttempts as refused:
        return wait_first(refused.wait, confirm_form)
    return redirect(wanted) if is_right else confirm_form(not_right(), 400)


def confirm_form(problem: str = "", status: int = 200) -> Response:
    """The form that asks for the password again."""
    me = people.require_person()
    screen.prefer(me.preferences)
    form = factor_forms.confirm(
        screen.read().lang,
        asks_code=factor.own_factor() is not None,
        may_leave=not me.owes_factor,
        problem=problem,
    )
    return show(form, status, sign_out=me.owes_factor and i18n.t("Sign out", screen.read().lang))


def not_right() -> str:
    """One message for both fields: whoever guesses learns nothing about either."""
    return i18n.t("This is not right. Check every field and try again.", screen.read().lang)


def _second_step(draw: Callable[[str, str], Form]) -> AnyResponse:
    owing = pending.person()
    if owing is None:
        return _from_the_start()
    if request.method == "GET":
        return _shown(draw, "", 200)
    try:
        is_in = attempts.try_code(owing, request.form.get("code", ""))
    except TooManyAttempts as refused:
        return wait_first(refused.wait, lambda problem, status: _shown(draw, problem, status))
    if not is_in:
        wrong = i18n.t("This code is wrong or was used already. Type the one shown now.", screen.read().lang)
        spent = i18n.t("This recovery code is wrong or was used already. Try another.", screen.read().lang)
        return _shown(draw, wrong if draw is factor_forms.code else spent, 400)
    return redirect(safe_next(request.form.get("next")))


def _from_the_start() -> AnyResponse:
    """Nobody owes a code: the password comes first."""
    if not pending.is_begun():
        return redirect(url_for("auth.login", **kept_next()))
    pending.end()
    lang = screen.read().lang
    return login_form(
        i18n.t("The code has to follow the password within five minutes. Sign in again.", lang), 400
    )


def _shown(draw: Callable[[str, str], Form], problem: str, status: int) -> Response:
    return show(draw(screen.read().lang, problem), status)


def _again(draw: Callable[[str, str], Form]) -> Callable[[str, int], Response]:
    """Only to somebody who may owe a code; to others the sign-in form."""
    return lambda problem, status: (
        _shown(draw, problem, status) if pending.is_begun() else login_form(problem, status)
    )


AGAIN["auth.code"] = _again(factor_forms.code)
AGAIN["auth.recovery"] = _again(factor_forms.recovery)
AGAIN["auth.confirm"] = confirm_form
