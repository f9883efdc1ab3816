"""wire(app): what all pages share. The frame, the document round it, errors as messages, true 404s."""

import re
from collections.abc import Mapping
from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import Dash, html, set_props
from dash.development.base_component import Component
from dash.exceptions import DependencyException
from flask import Response, g, jsonify, request
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound
from werkzeug.wrappers import Response as AnyResponse

from auth import current_person
from auth.doors import may, needed_by
from auth.guard import is_page
from auth.permissions import allows
from auth.recent import PasswordNeeded, confirm_address
from auth.routes import show_message
from components.attributes import attributes
from components.document import document
from components.shell import PRODUCT, NavItem, nav_items, shell
from i18n import t
from pages import _proof
from pages._view import explained, here, lang_here, own_zone

ANY_PATH = "/<path:path>"  # the endpoint by which Dash answers every address it does not know
PAGES = ("/", ANY_PATH)
# What assets/answers.js is told: a refusal carries the page that says so; an answer tells what went wrong instead.
DRAWN, TROUBLED = "X-Quantum-Page", "X-Quantum-Trouble"


def wire(app: Dash) -> None:
    """Give `app` its frame, its document and the callbacks that all pages share."""
    app.layout = frame
    setattr(app, "interpolate_index", index)  # noqa: B010 - the method Dash gives for this
    _proof.wire(app)
    app.server.before_request(no_page_for_machines)
    app.server.after_request(true_status)
    app.server.register_error_handler(NotFound, not_found)
    app.server.register_error_handler(DependencyException, not_found)
    app.server.register_error_handler(InternalServerError, failed)


def frame() -> Component:
    """The shell for whoever asks. Dash also draws it once without anybody, to check its ids."""
    person = current_person()
    if person is None:
        return html.Div(dash.page_container)
    view = here()
    drawn = shell(
        person.full_name or person.username or person.email,
        person.role,
        menu(view.lang, person.role),
        view.lang,
        view.theme,
        csrf_token=generate_csrf(),
        range_name=view.range_text,
        zone=own_zone(person.preferences),
        utc=view.utc,
    )
    return html.Div([drawn, _words(view.lang)])


def menu(lang: str, role: str) -> list[NavItem]:
    """The fleet first, then the modules, then how numbers are made and who one is."""
    fixed = nav_items(lang)
    return [*fixed[:3], *modules(lang, role), *fixed[3:]]


def modules(lang: str, role: str) -> list[NavItem]:
    """The modules this role may open, in their order: what their pages declare of themselves."""
    entries = [entry for entry in dash.page_registry.values() if "nav" in entry]
    return [
        NavItem(entry["nav"]["words"](lang), entry["path"], entry["nav"]["icon"])
        for entry in sorted(entries, key=lambda entry: entry["nav"]["order"])
        if allows(role, entry["nav"]["needs"])
    ]


def _words(lang: str) -> html.Div:
    """What assets/answers.js says when the server cannot be asked."""
    said = {
        "data-away": t("The server does not answer. Check your connection, then press Refresh.", lang),
        "data-refused": t("Your role does not include this. An administrator can change that.", lang),
        "data-ended": t("Your sign-in has ended. Sign in again to go on.", lang),
        "data-database": t(
            "The database does not answer. Nothing was lost; wait a moment, then press Refresh.", lang
        ),
        "data-large": t("What you sent is too large. Shorten it and send it again.", lang),
        "data-large-title": t("Too large", lang),
        "data-failed": t(
            "The server could not answer. Nothing was changed; press Refresh or reload the page.", lang
        ),
        "data-title": t("Not up to date", lang),
        "data-kept": t("The last values stay below; each says how old it is.", lang),
        "data-sign-in": t("Sign in", lang),
    }
    return html.Div(id="shell-words", hidden=True, **attributes(said))


def index(**parts: str) -> str:
    """The HTML document, in the language and theme of its address."""
    view = here()
    return document(view.lang, view.theme, **(parts | {"title": title_of(view.path)}))


def title_of(path: str) -> str:
    """The title of the page at `path`."""
    found = page_at(path) or page_at("/404") or {}
    title = found.get("title", PRODUCT)
    return str(title() if callable(title) else title)


def page_at(path: str) -> dict[str, Any] | None:
    """The registered page that answers `path`; None where there is none."""
    asked = "/" + path.strip("/")
    for entry in dash.page_registry.values():
        template = entry.get("path_template")
        if asked == entry["path"] or (template and re.fullmatch(re.sub("<.*?>", ".+", template), asked)):
            return dict(entry)
    return None


def on_error(error: Exception) -> None:
    """A callback failed: a message with a reference for the person, the traceback for the log.

    Where it only wants the password again (auth/recent.py), the message leads there.
    """
    if isinstance(error, PasswordNeeded):
        set_props("toasts", {"children": [_password_first()]})
        return
    if isinstance(error, HTTPException):
        raise error
    title, remedy, reference = explained(error, lang_here())
    lang = lang_here()
    said = [
        html.P(remedy),
        html.P(t("Reference {reference}", lang, reference=reference), className="toast-reference"),
    ]
    set_props("toasts", {"children": [toast(title, said)]})


def _password_first() -> dbc.Toast:
    """Leads to /confirm, by a plain link since that is no page of Dash's, and back to the page it was asked on."""
    view = here()
    why = t("It was last given over ten minutes ago. Nothing was changed.", view.lang)
    link = html.A(t("Give your password", view.lang), href=confirm_address(view.path + view.search))
    return toast(t("Give your password again", view.lang), [html.P(why), link])


def toast(title: str, said: Any) -> dbc.Toast:
    """A message that stays until it is closed."""
    return dbc.Toast(said, header=title, icon="danger", dismissable=True, is_open=True)


def no_page_for_machines() -> tuple[Response, int] | None:
    """Dash answers every unknown GET with a page; programs get a plain 404."""
    if request.endpoint == ANY_PATH and not is_page():
        return jsonify(error="There is nothing at this address."), 404
    return None


def true_status(response: Response) -> Response:
    """An address without a page, or with one that is not for this role, shows the page that says so, with the status
    that says so; also when one goes there without loading the document anew.
    """
    if response.status_code != 200:
        return response
    if g.get("is_troubled"):
        response.headers[TROUBLED] = "failed"
    if g.get("is_refused"):
        response.status_code = 403
        response.headers[DRAWN] = "refused"
    elif request.endpoint in PAGES:
        response.status_code = _status_of(page_at(here().path))
    return response


def _status_of(entry: Mapping[str, Any] | None) -> int:
    if entry is None:
        return 404
    needs = needed_by(entry["layout"])
    return 200 if needs is not None and may(needs) else 403


def not_found(error: NotFound | DependencyException) -> AnyResponse | tuple[AnyResponse, int]:
    """404 for what Dash does not answer, such as a missing file or a script of no component library of ours."""
    if not is_page():
        return jsonify(error="There is nothing at this address."), 404
    lang = lang_here()
    return show_message(
        t("Page not found", lang),
        t("There is nothing at this address. It may have been typed wrongly.", lang),
        404,
    )


def failed(error: InternalServerError) -> AnyResponse | tuple[AnyResponse, int]:
    """500 with a reference; the traceback stands in the log."""
    title, remedy, reference = explained(error.original_exception or error, "en")
    if not is_page():
        return jsonify(error="The server could not answer.", reference=reference), 500
    lang = lang_here()
    text = t(
        "The server could not show this page. Nothing was changed. Reload it; if it happens again, "
        "report reference {reference}.",
        lang,
        reference=reference,
    )
    return show_message(t("Something went wrong", lang), text, 500)
