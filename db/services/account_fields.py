"""What a person may write about themselves: every field checked, the refusals told together.

Messages are English; screens translate them (`Complaint` lists them all).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from zoneinfo import available_timezones

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

ROLES = ("user", "admin", "architect", "observer", "strategist")
LANGUAGES = ("en", "pt-BR")
THEMES = ("dark", "light")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128
LONGEST_LINE, LONGEST_BIO, LONGEST_EMAIL = 120, 1000, 254
USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,32}")

# What lists of leaked passwords name first, as far as it is long enough to be tried at all.
COMMON_PASSWORDS = frozenset(
    Path(__file__).with_name("common_passwords.txt").read_text(encoding="ascii").split()
)


# Closed networks have no other names; the library's documentation says to take them off its list.
for reserved in ("local", "test"):
    if reserved in SPECIAL_USE_DOMAIN_NAMES:
        SPECIAL_USE_DOMAIN_NAMES.remove(reserved)


class Complaint(StrEnum):
    """Every reason for which a field is refused: what is wrong and what to do."""

    EMAIL = "Enter a complete e-mail address, such as name@example.com."
    EMAIL_TAKEN = "An account with this e-mail address exists already. Sign in, or use another address."
    USERNAME = "Use 3 to 32 characters: letters without accents, digits, dots, hyphens and underscores."
    USERNAME_TAKEN = "This user name is taken. Choose another."
    PASSWORD_SHORT = "Use at least 8 characters."
    PASSWORD_LONG = "Use at most 128 characters."
    PASSWORD_COMMON = "This password is one of the first that attackers try. Choose another."
    PASSWORD_SELF = "Choose a password that is not your e-mail address or user name."
    PASSWORD_OLD = "This is not your current password."
    LINE_LONG = "Use at most 120 characters."
    BIO_LONG = "Use at most 1000 characters."
    CHARACTERS = "Remove the characters that cannot be shown, such as line breaks or control codes."
    ROLE = "Choose one of the roles user, admin, architect, observer and strategist."
    LAST_ADMIN = "This is the last administrator who can sign in. Make somebody else one first."
    GONE = "The person closed this account; nothing is left that could be opened."
    LANGUAGE = "Choose one of the languages listed."
    THEME = "Choose the dark or the light theme."
    ZONE = "Choose one of the time zones listed, such as America/Sao_Paulo."
    KEY_NAME = "Give the key a name of at most 80 characters, by which you will know it again."
    KEY_SCOPES = "Choose at least one of the scopes listed, or name an agent."
    KEY_AGENT = (
        "Write each agent as its id, without line breaks or control codes, and at most 190 characters long."
    )
    KEY_ROLE = (
        "A key cannot do what your role does not include. Leave that scope out, or ask for another role."
    )
    KEY_EXPIRES = "Choose a moment in the future, or no end."
    TARGET = "Write a share above 0 and below 100 percent, with at most three decimals, such as 99.5."
    LEAST_EVENTS = "Write a whole number from 1 to 1000000."
    KEY_LIMIT = "Write a whole number from 1 to 10000000, or nothing."
    CODE = "This code is wrong, was used or is too old. Leave the field empty, or restart for a new code."
    CODE_DEMANDED = (
        "This code is missing, wrong, was used or is too old. It is printed where the server is started."
    )


class FieldErrors(Exception):
    """One or more fields are refused; `errors` maps the field's name to an English message."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = {name: str(message) for name, message in errors.items()}
        super().__init__("; ".join(f"{name}: {message}" for name, message in self.errors.items()))


class _Refused(Exception):
    def __init__(self, complaint: Complaint) -> None:
        self.complaint = complaint


def clean(**fields: str | None) -> dict[str, str | None]:
    """The fields as they will be stored: trimmed, empty as None. Raises FieldErrors naming all that are refused.

    Known are email, username, password, full_name, company, location, bio, role, language, theme and zone.
    """
    kept: dict[str, str | None] = {}
    errors: dict[str, str] = {}
    for name, given in fields.items():
        try:
            kept[name] = _CLEANERS[name](given or "")
        except _Refused as refused:
            errors[name] = refused.complaint
    _not_oneself(kept, errors)
    if errors:
        raise FieldErrors(errors)
    return kept


def email(text: str) -> str:
    """A complete address in one spelling: the domain in lower case, the rest as written."""
    text = text.strip()
    if len(text) > LONGEST_EMAIL:
        raise _Refused(Complaint.EMAIL)
    try:
        # Before the @ only letters that both databases compare in the same way.
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise _Refused(Complaint.EMAIL) from None
    return found.normalized


def username(text: str) -> str:
    """A user name as written; whether it is taken is decided in lower case."""
    if not USERNAME.fullmatch(text.strip()):
        raise _Refused(Complaint.USERNAME)
    return text.strip()


def password(text: str) -> str:
    """A password as typed: any characters, no rule but its length and that it is not among the commonest."""
    if len(text) < SHORTEST_PASSWORD:
        raise _Refused(Complaint.PASSWORD_SHORT)
    if len(text) > LONGEST_PASSWORD:
        raise _Refused(Complaint.PASSWORD_LONG)
    if text.lower() in COMMON_PASSWORDS or len(set(text)) == 1:
        raise _Refused(Complaint.PASSWORD_COMMON)
    return text


def line(text: str) -> str | None:
    """One line of free text of at most 120 characters; None when empty."""
    text = text.strip()
    if len(text) > LONGEST_LINE:
        raise _Refused(Complaint.LINE_LONG)
    return _shown(text) or None


def bio(text: str) -> str | None:
    """A short text of at most 1000 characters, line breaks allowed; None when empty."""
    text = text.strip().replace("\r\n", "\n")
    if len(text) > LONGEST_BIO:
        raise _Refused(Complaint.BIO_LONG)
    _shown(text.replace("\n", "").replace("\t", ""))
    return text or None


def is_storable(text: str) -> bool:
    """Whether both databases can hold `text`: no control codes, no half characters."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _shown(text: str) -> str:
    if not is_storable(text):
        raise _Refused(Complaint.CHARACTERS)
    return text


def _one_of(allowed: tuple[str, ...], complaint: Complaint) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in allowed:
            raise _Refused(complaint)
        return text

    return check


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise _Refused(Complaint.ZONE)
    return text


def _not_oneself(kept: Mapping[str, str | None], errors: dict[str, str]) -> None:
    secret = (kept.get("password") or "").lower()
    names = {(kept.get("email") or "").lower(), (kept.get("username") or "").lower()}
    if secret and secret in names:
        errors["password"] = Complaint.PASSWORD_SELF


_CLEANERS: dict[str, Callable[[str], str | None]] = {
    "email": email,
    "username": username,
    "password": password,
    "full_name": line,
    "company": line,
    "location": line,
    "bio": bio,
    "role": _one_of(ROLES, Complaint.ROLE),
    "language": _one_of(LANGUAGES, Complaint.LANGUAGE),
    "theme": _one_of(THEMES, Complaint.THEME),
    "zone": _zone,
}
