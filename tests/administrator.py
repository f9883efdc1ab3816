"""An administrator's browser without scripts: looks at the pages of administration and presses their buttons."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select
from werkzeug.test import TestResponse

from db.models import Profile, SecondFactor, UserSession
from db.services.user_sessions import Origin, begin_session
from tests.audit import entries
from tests.module_rows import promote
from tests.people import account_of
from tests.reader import Reader, elements, words
from tests.sessions import session

ROUTER = ".._pages_content.children..._pages_store.data.."
PERSON, ROLES, FORM, LIST, ACCESS = (
    "admin-person",
    "admin-roles",
    "admin-invite-form",
    "admin-invite-list",
    "admin-access",
)
IDLE = timedelta(hours=12)
PHONE = Origin("198.51.100.7", "an agent", {"browser": "Safari", "system": "iOS", "kind": "phone"})
LINK = re.compile(r"http://localhost/(reset|invite)/[\w-]{43}")
ACT, REQUIRE, WITHDRAW = "admin-act", "admin-require", "admin-withdraw"


def as_role(reader: Reader, engine: Engine, role: str, name: str = "alice") -> Reader:
    """The person with this role, as if it had been theirs when they signed in."""
    with session(engine, write=True) as unit:
        promote(unit, name, role)
    return reader


def profile_of(engine: Engine, name: str) -> UUID:
    with session(engine) as unit:
        return unit.scalars(select(Profile.id).where(Profile.username == name)).one()


def look(reader: Reader, output: str, path: str, search: str = "?lang=en") -> TestResponse:
    """What the callback that fills a page answers; `output` as Dash names it, or the id of its one output."""
    name = output if output.startswith("..") else f"{output}.children"
    return reader.post(name, {"url.search": search}, changed=[], referer=f"{path}{search}")


def drawn(answer: TestResponse) -> Any:
    """All that came out, in one list."""
    assert answer.status_code == 200, answer.text
    return [each["children"] for each in answer.get_json()["response"].values() if "children" in each]


def shown(reader: Reader, output: str, path: str, search: str = "?lang=en") -> str:
    return words(drawn(look(reader, output, path, search)))


def page_list(reader: Reader, search: str = "?lang=en") -> Any:
    """The numbers and the list of people."""
    output = "..admin-top.children...admin-list.children...admin-menus.children.."
    return drawn(look(reader, output, "/admin", search))


def access(reader: Reader, whom: object, table: str, lang: str = "en") -> Any:
    output = "..admin-access.children...admin-access-menus.children.."
    return drawn(look(reader, output, "/admin/access", f"?lang={lang}&as={whom}&table={table}"))


def layout(reader: Reader, path: str, search: str = "?lang=en") -> Any:
    """The page as Dash's router draws it."""
    given = {"_pages_location.pathname": path, "_pages_location.search": search}
    answer = reader.post(ROUTER, given)
    assert answer.status_code in (200, 403), answer.text
    return answer.get_json()["response"]["_pages_content"]["children"]


def press(
    reader: Reader,
    kind: str,
    key: str,
    path: str,
    state: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    """What the browser sends when a button is pressed on the page at `path`."""
    named = {"key": key, "kind": kind}
    pattern = json.dumps({"key": ["ALL"], "kind": kind}, separators=(",", ":"))
    entry = next(
        each
        for each in reader.get("/_dash-dependencies").get_json()
        if each["inputs"] and each["inputs"][0]["id"] == pattern
    )
    changed = f"{json.dumps(named, separators=(',', ':'), sort_keys=True)}.n_clicks"
    return _send(
        reader,
        entry,
        [[{"id": named, "property": "n_clicks", "value": 1}]],
        changed,
        path,
        state or {},
        headers,
    )


def submit(reader: Reader, state: Mapping[str, Any], path: str = "/admin/invitations") -> TestResponse:
    """What the browser sends when the form of an invitation is sent."""
    entry = next(
        each
        for each in reader.get("/_dash-dependencies").get_json()
        if each["inputs"] and each["inputs"][0]["id"] == FORM and each["inputs"][0]["property"] == "n_submit"
    )
    inputs = [{"id": FORM, "property": "n_submit", "value": 1}]
    return _send(reader, entry, inputs, f"{FORM}.n_submit", path, state, None)


def _send(
    reader: Reader,
    entry: Mapping[str, Any],
    inputs: Any,
    changed: str,
    path: str,
    state: Mapping[str, Any],
    headers: Mapping[str, str] | None,
) -> TestResponse:
    names = entry["output"].strip(".").split("...")
    outputs = [{"id": name.rpartition(".")[0], "property": name.rpartition(".")[2]} for name in names]
    given = {"url.search": "?lang=en", **state}
    body = {
        "output": entry["output"],
        "outputs": outputs if entry["output"].startswith("..") else outputs[0],
        "inputs": inputs,
        "state": [each | {"value": given.get(f"{each['id']}.{each['property']}")} for each in entry["state"]],
        "changedPropIds": [changed],
    }
    token = reader.client.get_cookie("_csrf_token")
    sent = {"X-CSRFToken": token.value if token else ""} if headers is None else dict(headers)
    sent["Referer"] = f"http://localhost{path}?lang=en"
    return reader.client.post("/_dash-update-component", json=body, headers=sent)


def act(reader: Reader, key: str, profile_id: object, role: str | None = "user", **more: Any) -> TestResponse:
    """Press a button of somebody's page, with this role chosen."""
    state = {"admin-role.value": role}
    return press(reader, ACT, key, f"/admin/people/{profile_id}", state, **more)


def toast(answer: TestResponse) -> str:
    """The message that came instead of a change."""
    body = answer.get_json()
    return words(body.get("sideUpdate", {}).get("toasts", {}).get("children"))


def buttons(tree: Any) -> set[str]:
    """The keys of the buttons in it."""
    named = [each["props"].get("id") for each in elements(tree) if each["type"] == "Button"]
    return {each["key"] for each in named if isinstance(each, dict)}


def said(answer: Any) -> str:
    """What came out, in words."""
    return words(drawn(answer))


def invite(reader: Reader, email: str, role: str = "observer") -> Any:
    """The form and the list after somebody was invited."""
    return drawn(submit(reader, {"admin-invite-email.value": email, "admin-invite-role.value": role}))


# --- what is arranged and found ---------------------------------------------------------------------


def sign_in(engine: Engine, profile_id: UUID, origin: Origin = PHONE) -> UUID:
    """A session of theirs on a phone, three minutes old."""
    with session(engine, write=True) as unit:
        return begin_session(unit, profile_id, origin, datetime.now(UTC) - timedelta(minutes=3), IDLE)


def add_factor(engine: Engine, profile_id: UUID) -> None:
    """A second factor that is on."""
    account_id, now = account_of(engine, profile_id).id, datetime.now(UTC)
    with session(engine, write=True) as unit:
        unit.add(SecondFactor(account_id=account_id, secret="JBSWY3DPEHPK3PXP", confirmed_at=now))


def sessions_of(engine: Engine, profile_id: UUID) -> int:
    """How many sessions of theirs are open."""
    mine = (UserSession.user_id == profile_id, UserSession.is_active.is_(True))
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(UserSession).where(*mine)) or 0


def logged(engine: Engine) -> list[tuple[str, str, UUID | None, str | None]]:
    """What the audit log holds besides sign-ins: act, table, who, of which record."""
    return [
        (each.action, each.table_name, each.user_id, each.record_id)
        for each in entries(engine)
        if each.action != "LOGIN"
    ]
