"""/login, /register and /logout: plain forms that work without a line of script."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    get_flashed_messages,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

import i18n
from auth import forms, passwords, people, screen
from auth.addresses import safe_next
from auth.attempts import Outcome, try_to_sign_in
from auth.doors import PUBLIC, SIGNED_IN, permitted
from auth.public import STYLES
from db.actor import SYSTEM
from db.engine import Session, session
from db.services import accounts, codes
from db.services.accounts import Complaint, FieldErrors, Person
from db.services.sign_in_limits import TooManyAttempts

blueprint = Blueprint("auth", __name__, template_folder="templates")
SIGN_UP_FIELDS = ("email", "username", "full_name", "password")
Draw = Callable[[str, int], AnyResponse]
PREFERENCE = {"lang": "language", "theme": "theme"}
INVITED_ONLY = "quantum_invited_only"
DONE = "door"


@blueprint.route("/login", methods=["GET", "POST"])
@permitted(PUBLIC)
def login() -> AnyResponse:
    """The sign-in form and its answer."""
    if request.method == "GET":
        return _already_in() or login_form()
    try:
        outcome = try_to_sign_in(request.form.get("login", ""), request.form.get("password", ""))
    except TooManyAttempts as refused:
        return wait_first(refused.wait, login_form)
    if outcome is Outcome.REFUSED:
        lang = screen.read().lang
        return login_form(i18n.t("These do not match an account. Check both and try again.", lang))
    if outcome is Outcome.CODE:
        return redirect(url_for("auth.code", **kept_next()))
    return redirect(safe_next(request.form.get("next")))


@blueprint.route("/register", methods=["GET", "POST"])
@permitted(PUBLIC)
def register() -> AnyResponse:
    """The sign-up form and its answer."""
    if request.method == "GET":
        return _already_in() or register_form()
    if _is_by_invitation():
        return _by_invitation(403)
    try:
        person = _sign_up(request.form, datetime.now(UTC))
    except FieldErrors as refused:
        return register_form(refused.errors)
    people.sign_in(person)
    return redirect(safe_next(request.form.get("next")))


@blueprint.post("/logout")
@permitted(SIGNED_IN)
def logout() -> AnyResponse:
    """End the session."""
    people.sign_out()
    return redirect(url_for("auth.login"))


def login_form(problem: str = "", status: int | None = None) -> Response:
    """The sign-in form, with what was typed; 400 when there is a problem, unless told otherwise."""
    done = " ".join(map(str, get_flashed_messages(category_filter=[DONE])))
    form = forms.login(screen.read().lang, typed(status), problem, done=done, is_open=not invited_only())
    return show(form, status or (400 if problem else 200))


def register_form(
    errors: Mapping[str, str] | None = None, problem: str = "", status: int | None = None
) -> Response:
    """The sign-up form, with what was typed and the messages beside the fields."""
    with session(people.system_engine(), SYSTEM) as unit:
        ask_code = not codes.admin_exists(unit)
    if invited_only() and not ask_code:
        return _by_invitation(status or 200)
    form = forms.register(
        screen.read().lang,
        typed(status),
        errors or {},
        ask_code=ask_code,
        demand_code=invited_only(),
        problem=problem,
    )
    return show(form, status or (400 if errors or problem else 200))


def invited_only() -> bool:
    """Whether accounts are made by invitation only."""
    return bool(current_app.extensions[INVITED_ONLY])


def _is_by_invitation() -> bool:
    """Whether this sign-up is refused whatever it says: the first administrator's code opens nothing any more."""
    if not invited_only():
        return False
    with session(people.system_engine(), SYSTEM) as unit:
        return codes.admin_exists(unit)


def _by_invitation(status: int) -> Response:
    lang = screen.read().lang
    return show_message(
        i18n.t("By invitation", lang),
        i18n.t(
            "Accounts here are made by invitation. Ask an administrator for a link; it makes your account.",
            lang,
        ),
        status,
        href=url_for("auth.login"),
        back=i18n.t("To the sign-in form", lang),
    )


def say_at_sign_in(text: str) -> None:
    """Let the next sign-in form say first what went well."""
    flash(text, DONE)


def show_message(
    title: str, text: str | list[str], status: int, *, href: str = "/", back: str = ""
) -> Response:
    """A page that says one thing and leads on to `href`, by default the first page."""
    screen.note_choices()
    now = screen.read()
    page = render_template(
        "message.html",
        title=title,
        texts=[text] if isinstance(text, str) else text,
        href=href,
        back=back or i18n.t("To the first page", now.lang),
        screen=now,
        styles=STYLES,
    )
    return make_response(page, status)


def _sign_up(form: Mapping[str, str], now: datetime) -> Person:
    """Account, profile and stats in one transaction; with the right code, an administrator. Raises FieldErrors."""
    fields = {name: form.get(name, "") for name in SIGN_UP_FIELDS}
    accounts.clean(**fields)
    password_hash = passwords.hash_password(fields.pop("password"))
    code = form.get("code", "").strip()
    wrong = Complaint.CODE_DEMANDED if invited_only() else Complaint.CODE
    if invited_only() and not code:
        raise FieldErrors({"code": wrong})
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        if code and not codes.redeem(unit, code, now):
            raise FieldErrors({"code": wrong})
        role = "admin" if code else "user"
        profile = accounts.register_account(
            unit, **fields, password_hash=password_hash, role=role, by_themselves=True
        )
        keep_choices(unit, profile.id)
        person = accounts.find_person(unit, profile.auth_user_id)
    assert person is not None
    return person


def keep_choices(unit: Session, profile_id: UUID) -> None:
    """Let a new person see the application in the language and theme they chose at its doors."""
    asked = {PREFERENCE[name]: value for name, value in screen.read().asked.items()}
    accounts.update_own_profile(unit, profile_id, **asked)


def wait_first(wait: timedelta, draw: Draw) -> AnyResponse:
    """429: this account or address has to wait. The same words for both, and for accounts that do not exist."""
    seconds, lang = max(1, ceil(wait.total_seconds())), screen.read().lang
    response = draw(wait_words(wait, lang), 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def wait_words(wait: timedelta, lang: str) -> str:
    """How long to wait before the next attempt."""
    seconds = max(1, ceil(wait.total_seconds()))
    minutes = ceil(seconds / 60)
    spelled = (
        i18n.tn("{n} second", "{n} seconds", seconds, lang)
        if seconds < 60
        else i18n.tn("{n} minute", "{n} minutes", minutes, lang)
    )
    if request.endpoint == "auth.forgot":
        return i18n.t(
            "Too many requests. Wait {wait}, then try again; nothing is locked.", lang, wait=spelled
        )
    return i18n.t(
        "Too many attempts failed. Wait {wait}, then try again; nothing is locked.", lang, wait=spelled
    )


def _already_in() -> AnyResponse | None:
    return redirect(safe_next(request.args.get("next"))) if people.current_person() else None


def typed(status: int | None) -> Mapping[str, str]:
    """What the form held; nothing when it was too large to be read."""
    return {} if status == 413 or request.method == "GET" else request.form


def kept_next(status: int = 200) -> dict[str, Any]:
    """Where one wanted to go, as far as it is in this application, for the next form to carry on."""
    wanted = request.args.get("next") or ("" if status == 413 else request.form.get("next")) or ""
    return {"next": wanted} if safe_next(wanted) == wanted else {}


def show(form: forms.Form, status: int, template: str = "form.html", **more: Any) -> Response:
    """The page of a form; `more` is for what its template shows besides."""
    screen.note_choices()
    now = screen.read()
    kept = kept_next(status)
    kept |= {name: value for name, value in now.asked.items() if request.args.get(name) == value}
    page = render_template(
        template,
        form=form,
        screen=now,
        styles=STYLES,
        kept=kept,
        links=_switches(form.endpoint, kept, now),
        summary=i18n.t("Please check what is marked below.", now.lang) if form.wrong else form.problem,
        error=i18n.t("Error", now.lang),
        **more,
    )
    return make_response(page, status)


def _switches(endpoint: str, kept: Mapping[str, Any], now: screen.Screen) -> list[dict[str, str]]:
    """Links to the same form in the other language and the other theme."""
    lang = next(lang for lang in i18n.LANGUAGES if lang != now.lang)
    theme = "light" if now.theme == "dark" else "dark"
    words = i18n.t("Light theme", now.lang) if theme == "light" else i18n.t("Dark theme", now.lang)
    return [
        {"text": i18n.NAMES[lang], "lang": lang, "href": url_for(endpoint, **{**kept, "lang": lang})},
        {"text": words, "lang": now.lang, "href": url_for(endpoint, **{**kept, "theme": theme})},
    ]


def is_form() -> bool:
    """Whether this request went to one of the forms."""
    return request.endpoint in AGAIN


def form_again(problem: str, status: int) -> AnyResponse:
    """The form of this request once more, with a problem of the whole."""
    return AGAIN[str(request.endpoint)](problem, status)


# How each form is drawn once more with a problem; the other files of forms add theirs.
AGAIN: dict[str, Draw] = {
    "auth.login": login_form,
    "auth.register": lambda problem, status: register_form(problem=problem, status=status),
}
