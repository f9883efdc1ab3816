"""Sign-up and sign-in as a person meets them."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from auth import passwords
from auth.addresses import safe_next
from db.models import AuthAccount, OneTimeCode, Profile
from db.services import codes
from db.services.accounts import Complaint
from tests.auth.conftest import PASSWORD, Visitor
from tests.sessions import session


def people(engine: Engine) -> list[tuple[str, str]]:
    with session(engine) as unit:
        return [(row.username or "", row.role) for row in unit.scalars(select(Profile))]


def first_admin_code(engine: Engine, now: datetime | None = None) -> str:
    with session(engine, write=True) as unit:
        code = codes.issue_first_admin_code(unit, now or datetime.now(UTC))
    assert code is not None
    return code


def errors(page: str) -> dict[str, str]:
    """The messages beside the fields, by field."""
    found = re.findall(r'<div class="field-error" id="(\w+)-error">([^<]+)</div>', page)
    return {name: unescape(text) for name, text in found}


# --- sign-up ---------------------------------------------------------------------------------------------------


def test_sign_up_signs_in_and_leads_to_the_first_page(visitor: Visitor, engine: Engine) -> None:
    answer = visitor.register("alice", full_name="Alice")
    assert (answer.status_code, answer.location) == (302, "/")
    assert visitor.get("/").text == "<p>alice</p>"
    assert people(engine) == [("alice", "user")]


def test_what_is_refused_stands_beside_its_field(visitor: Visitor, engine: Engine) -> None:
    answer = visitor.register("a", email="nowhere", full_name="x" * 121, password="short")
    assert answer.status_code == 400
    assert errors(answer.text) == {
        "email": Complaint.EMAIL,
        "username": Complaint.USERNAME,
        "full_name": Complaint.LINE_LONG,
        "password": Complaint.PASSWORD_SHORT,
    }
    assert 'value="nowhere"' in answer.text
    assert people(engine) == []


def test_each_message_belongs_to_its_field_for_those_who_listen(visitor: Visitor) -> None:
    page = visitor.register("a").text
    box = re.search(r'<input [^>]*id="username"[^>]*>', page)
    assert box is not None
    assert 'aria-invalid="true"' in box[0]
    assert 'aria-describedby="username-error"' in box[0]
    assert re.search(r'<div [^>]*id="summary" role="alert" tabindex="-1" autofocus>', page)
    assert '<a class="alert-link" href="#username">' in page


@pytest.mark.parametrize(
    ("field", "value"), [("email", "ALICE@example.com"), ("username", "ALICE")], ids=["email", "username"]
)
def test_taken_is_said_beside_the_field(visitor: Visitor, other: Visitor, field: str, value: str) -> None:
    other.register("alice")
    answer = visitor.register("bob", **{field: value})
    assert answer.status_code == 400
    assert list(errors(answer.text)) == [field]


def test_the_password_is_never_sent_back(visitor: Visitor, engine: Engine) -> None:
    answer = visitor.register("alice", email="nowhere")
    assert PASSWORD not in answer.text
    visitor.register("alice")
    with session(engine) as unit:
        stored = unit.scalars(select(AuthAccount.password_hash)).one()
    assert PASSWORD not in stored


def test_typed_markup_stays_text(visitor: Visitor) -> None:
    page = visitor.register('"><script>alert(1)</script>').text
    assert "<script" not in page


def test_million_characters_are_refused_without_a_traceback(visitor: Visitor, engine: Engine) -> None:
    answer = visitor.register("alice", full_name="x" * 1_000_000)
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert people(engine) == []


def test_characters_no_database_keeps_are_refused(visitor: Visitor) -> None:
    answer = visitor.register("alice", full_name="a\x00b")
    assert errors(answer.text) == {"full_name": Complaint.CHARACTERS}


def test_a_role_in_the_form_is_not_listened_to(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice", role="admin", is_active="1", auth_user_id="x")
    assert people(engine) == [("alice", "user")]


# --- the first administrator -----------------------------------------------------------------------------------


def test_the_right_code_makes_the_first_admin(visitor: Visitor, other: Visitor, engine: Engine) -> None:
    code = first_admin_code(engine)
    assert visitor.register("root", code=code).status_code == 302
    assert people(engine) == [("root", "admin")]
    again = other.register("late", code=code)
    assert again.status_code == 400 and list(errors(again.text)) == ["code"]
    assert people(engine) == [("root", "admin")]


def test_a_wrong_code_makes_no_account(visitor: Visitor, engine: Engine) -> None:
    first_admin_code(engine)
    answer = visitor.register("root", code="AAAA-AAAA-AAAA")
    assert (answer.status_code, errors(answer.text)) == (400, {"code": Complaint.CODE})
    assert people(engine) == []


def test_an_old_code_makes_no_account(visitor: Visitor, engine: Engine) -> None:
    code = first_admin_code(engine, datetime.now(UTC) - timedelta(minutes=61))
    assert list(errors(visitor.register("root", code=code).text)) == ["code"]
    assert people(engine) == []


def test_a_taken_name_does_not_cost_the_code(visitor: Visitor, other: Visitor, engine: Engine) -> None:
    other.register("alice")
    code = first_admin_code(engine)
    assert list(errors(visitor.register("alice", email="b@example.com", code=code).text)) == ["username"]
    assert visitor.register("root", code=code).status_code == 302
    assert ("root", "admin") in people(engine)
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).where(OneTimeCode.used_at.is_not(None))) == 1


def test_the_code_is_asked_only_while_there_is_no_admin(visitor: Visitor, engine: Engine) -> None:
    assert 'name="code"' in visitor.get("/register").text
    visitor.register("root", code=first_admin_code(engine))
    visitor.logout()
    assert 'name="code"' not in visitor.get("/register").text


# --- sign-in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.com", " Alice@Example.com "])
def test_sign_in_by_address_or_name(visitor: Visitor, other: Visitor, login: str) -> None:
    other.register("alice")
    answer = visitor.login(login)
    assert (answer.status_code, answer.location) == (302, "/")
    assert visitor.get("/").status_code == 200


def test_what_was_wrong_is_not_told(visitor: Visitor, other: Visitor) -> None:
    other.register("alice")
    answers = [visitor.login("alice", "wrong horse 1"), visitor.login("nobody"), visitor.login("", "")]
    texts = {re.search(r'id="summary".*?</div>', answer.text, re.S)[0] for answer in answers}  # type: ignore[index]
    assert {answer.status_code for answer in answers} == {400}
    assert len(texts) == 1


def test_an_unknown_name_costs_one_hash_as_a_known_one(
    visitor: Visitor, other: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.register("alice")
    passwords.verify(None, "warm")
    hasher = WatchedHasher()
    monkeypatch.setattr(passwords, "HASHER", hasher)
    for login in ("alice", "nobody"):
        visitor.login(login, "wrong horse 1")
    known, unknown = hasher.verified
    assert known == unknown


class WatchedHasher:
    """The real hasher; notes the work of each hash it compared."""

    def __init__(self) -> None:
        self.real = passwords.HASHER
        self.verified: list[Parameters] = []

    def verify(self, password_hash: str, password: bytes) -> bool:
        self.verified.append(extract_parameters(password_hash))
        return bool(self.real.verify(password_hash, password))


def test_a_closed_account_does_not_open(visitor: Visitor, other: Visitor, engine: Engine) -> None:
    other.register("alice")
    change(engine, is_active=False)
    assert visitor.login().status_code == 400
    assert other.get("/").status_code == 302


def test_raising_the_credential_version_ends_every_sign_in(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    assert visitor.get("/").status_code == 200
    change(engine, credential_version=2)
    assert visitor.get("/").status_code == 302
    assert visitor.login().status_code == 302
    assert visitor.get("/").status_code == 200


def change(engine: Engine, **values: object) -> None:
    with Session(engine) as unit:
        unit.execute(update(AuthAccount).values(**values))
        unit.commit()


def test_older_hashes_are_renewed_at_sign_in(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    visitor.logout()
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    change(engine, password_hash=weak)
    assert visitor.login().status_code == 302
    with session(engine) as unit:
        stored = unit.scalars(select(AuthAccount.password_hash)).one()
    assert stored != weak and not passwords.is_outdated(stored)
    assert visitor.get("/").status_code == 200


def test_signing_in_keeps_nothing_of_the_session_before(visitor: Visitor, other: Visitor) -> None:
    other.register("alice")
    with visitor.client.session_transaction() as before:
        before["planted"] = "by somebody else"
    visitor.login()
    with visitor.client.session_transaction() as after:
        assert "planted" not in after and after["_user_id"]


def test_signing_out_ends_it(visitor: Visitor) -> None:
    visitor.register("alice")
    visitor.get("/")
    answer = visitor.logout()
    assert (answer.status_code, answer.location) == (302, "/login")
    assert visitor.get("/").status_code == 302
    assert visitor.client.get_cookie("_csrf_token") is None


def test_a_link_cannot_sign_anybody_out(visitor: Visitor) -> None:
    visitor.register("alice")
    visitor.get("/logout")
    assert visitor.client.post("/logout").status_code == 400
    assert visitor.get("/").status_code == 200


def test_those_who_are_in_are_led_on(visitor: Visitor) -> None:
    visitor.register("alice")
    assert visitor.get("/login?next=/agents").location == "/agents"
    assert visitor.get("/register").location == "/"


# --- where to go next ------------------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/a b",
    "/login?next=/login",
    "/logout",
    "/" + "x" * 3000,
    "",
    "//[",
]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_nobody_is_led_elsewhere(wanted: str) -> None:
    assert safe_next(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/agents?range=7d&status=ok", "/map#x", "/agents/a%2Fb"])
def test_places_inside_are_kept(wanted: str) -> None:
    assert safe_next(wanted) == wanted


def test_sign_in_leads_where_one_wanted_to_go(visitor: Visitor, other: Visitor) -> None:
    other.register("alice")
    asked = visitor.get("/agents?range=7d")
    assert asked.location == "/login?next=/agents?range%3D7d"
    form = visitor.get(asked.location).text
    hidden = re.search(r'name="next" value="([^"]+)"', form)
    assert hidden is not None and unescape(hidden[1]) == "/agents?range=7d"
    assert visitor.login(next="/agents?range=7d").location == "/agents?range=7d"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_forms_lead_nobody_elsewhere(visitor: Visitor, wanted: str) -> None:
    assert visitor.register("alice", next=wanted).location == "/"
    visitor.get("/")
    visitor.logout()
    assert visitor.login(next=wanted).location == "/"


# --- language and theme ----------------------------------------------------------------------------------------


def test_the_browsers_language_is_spoken(visitor: Visitor) -> None:
    page = visitor.get("/login", headers={"Accept-Language": "pt-BR,pt;q=0.9,en;q=0.5"}).text
    assert '<html lang="pt-BR"' in page and "Entrar" in page


def test_the_address_says_language_and_theme_and_is_remembered(visitor: Visitor) -> None:
    page = visitor.get("/login?lang=pt-BR&theme=light", headers={"Accept-Language": "en"}).text
    assert '<html lang="pt-BR" data-bs-theme="light">' in page
    assert '<html lang="pt-BR" data-bs-theme="light">' in visitor.get("/register").text


def test_unknown_languages_and_themes_are_nobodys_choice(visitor: Visitor) -> None:
    answer = visitor.get('/login?lang=x"><script>&theme=pink', headers={"Accept-Language": "xx;q=bad,,"})
    assert '<html lang="en" data-bs-theme="dark">' in answer.text
    assert "<script" not in answer.text


def test_messages_are_translated(visitor: Visitor) -> None:
    page = visitor.register("a", path="/register?lang=pt-BR").text
    assert errors(page)["username"] not in (Complaint.USERNAME, "")


def test_the_language_chosen_at_sign_up_stays(visitor: Visitor) -> None:
    visitor.get("/register?lang=pt-BR")
    visitor.register("alice")
    assert visitor.get("/who").json == {"role": "user", "preferences": {"language": "pt-BR"}}


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_every_field_has_a_label_and_tells_password_managers_what_it_is(visitor: Visitor, path: str) -> None:
    page = visitor.get(path).text
    boxes = re.findall(r'<input class="form-control[^>]*>', page)
    assert len(boxes) == {"/login": 2, "/register": 5}[path]
    for box in boxes:
        name = re.search(r'id="(\w+)"', box)
        assert name is not None and f'<label class="form-label" for="{name[1]}">' in page
        assert "autocomplete=" in box and "onpaste" not in box and "maxlength" not in box
    assert "<script" not in page
