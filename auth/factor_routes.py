"""/second-factor: set it up, make new recovery codes, turn it off. Plain forms, so that the guard can leave them alone
open to those who must set one up first."""

from collections.abc import Sequence
from urllib.parse import quote

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

import i18n
from auth import attempts, factor, factor_forms, people, screen, totp
from auth.addresses import safe_next
from auth.code_routes import not_right
from auth.doors import SIGNED_IN, permitted
from auth.public import STYLES
from auth.recent import require_recent
from auth.routes import AGAIN, blueprint, kept_next, show, wait_first
from db.actor import SYSTEM
from db.engine import session
from db.services import second_factors
from db.services.role_requirements import factor_required
from db.services.sign_in_limits import TooManyAttempts

PROFILE = "/profile"
FILE_NAME = "alsham-quantum-recovery-codes.txt"


@blueprint.route("/second-factor", methods=["GET", "POST"])
@permitted(SIGNED_IN)
def second_factor() -> AnyResponse:
    """The picture for the app and the first code; the right one turns the factor on."""
    require_recent()
    if request.method == "GET":
        return set_up_form()
    codes = factor.set_up(request.form.get("code", ""))
    if codes is not None:
        return _codes_once(codes)
    return set_up_form(_first_code_wrong(), 400, beside=True)


@blueprint.route("/second-factor/codes", methods=["GET", "POST"])
@permitted(SIGNED_IN)
def recovery_codes() -> AnyResponse:
    """Ten new recovery codes instead of those before."""
    require_recent()
    if factor.own_factor() is None:
        return redirect(url_for("auth.second_factor"))
    if request.method == "GET":
        return renew_form()
    codes = factor.new_recovery_codes()
    return redirect(PROFILE) if codes is None else _codes_once(codes)


@blueprint.route("/second-factor/off", methods=["GET", "POST"])
@permitted(SIGNED_IN)
def second_factor_off() -> AnyResponse:
    """Take the factor away, with password and code, however recently they were given."""
    if factor.own_factor() is None:
        return redirect(PROFILE)
    if request.method == "GET":
        return off_form()
    account_id = people.require_person().account_id
    try:
        is_off = attempts.try_to_confirm(
            request.form.get("password", ""),
            request.form.get("code", ""),
            lambda unit: second_factors.turn_off(unit, account_id),
        )
    except TooManyAttempts as refused:
        return wait_first(refused.wait, off_form)
    return redirect(PROFILE) if is_off else off_form(not_right(), 400)


def set_up_form(problem: str = "", status: int = 200, *, beside: bool = False) -> AnyResponse:
    """The form with the picture; `beside` says a problem at its field. With a factor on there is nothing to set up."""
    me = people.require_person()
    screen.prefer(me.preferences)
    back = _back(status)
    secret = factor.being_set_up()
    if secret is None:
        return redirect(back)
    form = factor_forms.set_up(
        screen.read().lang,
        back,
        is_demanded=me.owes_factor,
        error=problem if beside else "",
        problem="" if beside else problem,
    )
    address = totp.app_address(secret, me.email)
    return show(
        form,
        status,
        "factor.html",
        address=address,
        picture=totp.picture(address),
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        words=_words(screen.read().lang),
        sign_out=me.owes_factor and i18n.t("Sign out", screen.read().lang),
    )


def renew_form(problem: str = "", status: int = 200) -> Response:
    """The form that makes new recovery codes."""
    screen.prefer(people.require_person().preferences)
    return show(factor_forms.renew(screen.read().lang, problem), status)


def off_form(problem: str = "", status: int = 200) -> Response:
    """The form that takes the factor away."""
    me = people.require_person()
    screen.prefer(me.preferences)
    with session(people.system_engine(), SYSTEM) as unit:
        is_demanded = factor_required(unit, me.role)
    return show(factor_forms.turn_off(screen.read().lang, is_demanded=is_demanded, problem=problem), status)


def _codes_once(codes: Sequence[str]) -> Response:
    """The recovery codes. They are in this answer and nowhere else."""
    screen.prefer(people.require_person().preferences)
    now = screen.read()
    page = render_template(
        "codes.html",
        screen=now,
        styles=STYLES,
        title=i18n.t("Keep your recovery codes", now.lang),
        text=i18n.t(
            "Your second factor is on. Without your phone each of these codes signs you in once. "
            "They are shown now and never again.",
            now.lang,
        ),
        codes=codes,
        file=quote("ALSHAM QUANTUM\n" + "\n".join(codes) + "\n"),
        file_name=FILE_NAME,
        save=i18n.t("Save as a text file", now.lang),
        hint=i18n.t(
            "Or select the list, which takes one click, and copy it to where you keep passwords.", now.lang
        ),
        go_on=i18n.t("I have kept them", now.lang),
        next=_back(200),
    )
    return make_response(page, 200)


def _back(status: int) -> str:
    wanted = kept_next(status).get("next")
    return safe_next(wanted) if wanted else PROFILE


def _first_code_wrong() -> str:
    screen.prefer(people.require_person().preferences)
    return i18n.t(
        "This code does not fit. Type the one the app shows now, and check that the phone's clock is right.",
        screen.read().lang,
    )


def _words(lang: str) -> dict[str, str]:
    return {
        "scan": i18n.t("Scan this with an authenticator app", lang),
        "which": i18n.t("Any app for time-based codes (TOTP) works; password managers have one too.", lang),
        "picture": i18n.t("QR code for the authenticator app", lang),
        "open": i18n.t("Open it in the app on this device", lang),
        "type": i18n.t("Cannot scan? Type this key into the app", lang),
        "prove": i18n.t("Show that it works", lang),
    }


AGAIN["auth.second_factor"] = set_up_form
AGAIN["auth.recovery_codes"] = renew_form
AGAIN["auth.second_factor_off"] = off_form
