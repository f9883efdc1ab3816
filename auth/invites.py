"""/invite: an account for whoever was invited by a link, whether or not everybody may sign up."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from auth import link_forms, links, passwords, people, routes, screen
from auth.doors import PUBLIC, permitted
from auth.routes import blueprint, show, show_message, typed
from db.actor import SYSTEM
from db.engine import session
from db.services import accounts
from db.services.accounts import FieldErrors, Person
from db.services.links import INVITE, OpenLink, find_open, redeem_invite
from i18n import t

FIELDS = ("username", "full_name", "password")


def init_app(server: Flask) -> None:
    """The form of this room, as it is shown again."""
    routes.AGAIN["auth.invite"] = lambda problem, status: invite_form(None, problem, status)


@blueprint.get("/invite/<token>")
@permitted(PUBLIC)
def open_invite(token: str) -> AnyResponse:
    """An invitation was followed."""
    return links.exchange(INVITE, token)


@blueprint.route("/invite", methods=["GET", "POST"])
@permitted(PUBLIC)
def invite() -> AnyResponse:
    """The form of an invitation, and its answer: signed in, with the address and the role of the invitation."""
    found = _held()
    if found is None or request.method == "GET":
        return invite_form()
    fields = {name: request.form.get(name, "") for name in FIELDS}
    try:
        accounts.clean(**fields, email=found.email)
        person = _accept(fields)
    except FieldErrors as refused:
        return invite_form(refused.errors)
    if person is None:
        return _refused()
    people.sign_in(person)
    return redirect("/")


def invite_form(
    errors: Mapping[str, str] | None = None, problem: str = "", status: int | None = None
) -> Response:
    """The form of the invitation this browser opened; one message instead of it for every link that is not good."""
    found = _held()
    if found is None:
        return _refused()
    wrong = dict(errors or {})
    problem = problem or wrong.pop("email", "")  # nobody types the address here
    form = link_forms.invite(
        screen.read().lang, typed(status), wrong, problem, email=found.email, role=found.role or ""
    )
    return show(form, status or (400 if errors or problem else 200))


def _accept(fields: Mapping[str, str]) -> Person | None:
    """Account, profile, stats and the end of the invitation in one transaction. Raises FieldErrors."""
    password_hash = passwords.hash_password(fields["password"])
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        profile = redeem_invite(unit, links.held(INVITE), fields, password_hash, datetime.now(UTC))
        if profile is None:
            return None
        routes.keep_choices(unit, profile.id)
        return accounts.find_person(unit, profile.auth_user_id)


def _held() -> OpenLink | None:
    """The invitation this browser opened, if it is good now."""
    with session(people.system_engine(), SYSTEM) as unit:
        return find_open(unit, INVITE, links.held(INVITE), datetime.now(UTC))


def _refused() -> Response:
    lang = screen.read().lang
    text = t(
        "It was used before, is too old, was replaced by a newer one, or is not complete. Ask whoever invited you for "
        "a new one.",
        lang,
    )
    return show_message(t("This invitation does not work", lang), text, 404)
