"""The two forms as data, in the reader's language; the templates only lay them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from i18n import declared, t


@dataclass(frozen=True)
class Field:
    """One labelled input. `error` stands beside it and is announced with it."""

    name: str
    label: str
    type: str = "text"
    autocomplete: str = "off"
    hint: str = ""
    value: str = ""
    error: str = ""
    required: bool = True
    inputmode: str = ""


@dataclass(frozen=True)
class Form:
    """A page with one form; `problem` is what is wrong with the whole of it, `done` what went well before it.

    `points` are said one by one before the fields. One foot may lead to another form (`other_endpoint`) or to a page of
    the application (`other_href`), another back to where one came from; `help_endpoint` is a door for those who cannot
    fill it in. `focus` is False where there is something to look at above the first field.
    """

    endpoint: str
    title: str
    intro: str
    submit: str
    fields: tuple[Field, ...]
    other_text: str = ""
    other_link: str = ""
    other_endpoint: str = ""
    other_href: str = ""
    problem: str = ""
    done: str = ""
    points: tuple[str, ...] = ()
    help_link: str = ""
    help_endpoint: str = ""
    is_danger: bool = False
    back_text: str = ""
    back_to: str = "/"
    focus: bool = True

    @property
    def wrong(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.error)


def login(
    lang: str, given: Mapping[str, str], problem: str = "", *, done: str = "", is_open: bool = True
) -> Form:
    """Sign-in; one message for whatever was wrong, so that nobody learns which accounts exist.

    `is_open` tells whether everybody may make an account.
    """
    new = (t("No account yet?", lang), t("Create an account", lang))
    invited = (t("Accounts here are made by invitation.", lang), t("How to get one", lang))
    other_text, other_link = new if is_open else invited
    return Form(
        endpoint="auth.login",
        title=t("Sign in", lang),
        intro=t("See what was measured on your fleet of agents.", lang),
        submit=t("Sign in", lang),
        fields=(
            Field(
                "login",
                t("E-mail address or user name", lang),
                autocomplete="username",
                value=given.get("login", ""),
            ),
            Field("password", t("Password", lang), type="password", autocomplete="current-password"),
        ),
        other_text=other_text,
        other_link=other_link,
        other_endpoint="auth.register",
        problem=problem,
        done=done,
        help_link=t("Forgot your password?", lang),
        help_endpoint="auth.forgot",
    )


def register(
    lang: str,
    given: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    ask_code: bool,
    problem: str = "",
    demand_code: bool = False,
) -> Form:
    """Sign-up. `errors` are English messages by field; the code is asked while there is no admin, and demanded where
    only the invited sign up."""
    fields = register_fields(lang)
    if ask_code or "code" in errors:
        fields.append(_code_field(lang, demand_code))
    return Form(
        endpoint="auth.register",
        title=t("Create an account", lang),
        intro=t("Your account opens this installation; your role says which pages.", lang),
        submit=t("Create account", lang),
        fields=answered(fields, lang, given, errors),
        other_text=t("Have an account already?", lang),
        other_link=t("Sign in", lang),
        other_endpoint="auth.login",
        problem=problem,
    )


def register_fields(lang: str) -> list[Field]:
    """What every new account is asked for."""
    return [
        Field("email", t("E-mail address", lang), type="email", autocomplete="email"),
        Field(
            "username",
            t("User name", lang),
            autocomplete="username",
            hint=t("3 to 32 letters, digits, dots, hyphens or underscores.", lang),
        ),
        Field("full_name", t("Full name (optional)", lang), autocomplete="name", required=False),
        new_password(t("Password", lang), lang),
    ]


def new_password(label: str, lang: str) -> Field:
    """A field for a password that is chosen now."""
    hint = t("At least 8 characters of any kind; spaces count.", lang)
    return Field("password", label, type="password", autocomplete="new-password", hint=hint)


def _code_field(lang: str, is_demanded: bool) -> Field:
    optional, demanded = t("First admin code (optional)", lang), t("First admin code", lang)
    hint = t("Printed where the server was started. It makes this account the administrator.", lang)
    return Field("code", demanded if is_demanded else optional, hint=hint, required=is_demanded)


def answered(
    fields: Sequence[Field], lang: str, given: Mapping[str, str], errors: Mapping[str, str]
) -> tuple[Field, ...]:
    """The fields with what was typed, passwords left out, and their messages."""

    def with_answer(field: Field) -> Field:
        value = "" if field.type == "password" else given.get(field.name, "")
        return replace(field, value=value, error=declared(errors.get(field.name, ""), lang))

    return tuple(map(with_answer, fields))
