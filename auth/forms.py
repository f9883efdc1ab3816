"""The two forms as data, in the reader's language; the templates only lay them out."""

from collections.abc import Mapping
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
    """A page with one form; `problem` is what is wrong with the whole of it.

    One foot may lead to another form, another back to where one came from. `focus` is False where there is something to
    look at above the first field.
    """

    endpoint: str
    title: str
    intro: str
    submit: str
    fields: tuple[Field, ...]
    other_text: str = ""
    other_link: str = ""
    other_endpoint: str = ""
    problem: str = ""
    back_text: str = ""
    back_to: str = "/"
    focus: bool = True

    @property
    def wrong(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.error)


def login(lang: str, given: Mapping[str, str], problem: str = "") -> Form:
    """Sign-in; one message for whatever was wrong, so that nobody learns which accounts exist."""
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
        other_text=t("No account yet?", lang),
        other_link=t("Create an account", lang),
        other_endpoint="auth.register",
        problem=problem,
    )


def register(
    lang: str, given: Mapping[str, str], errors: Mapping[str, str], *, ask_code: bool, problem: str = ""
) -> Form:
    """Sign-up. `errors` are English messages by field; the code is asked while there is no admin."""
    fields = _register_fields(lang, ask_code or "code" in errors)
    return Form(
        endpoint="auth.register",
        title=t("Create an account", lang),
        intro=t("Your account opens this installation; your role says which pages.", lang),
        submit=t("Create account", lang),
        fields=tuple(_answered(field, lang, given, errors) for field in fields),
        other_text=t("Have an account already?", lang),
        other_link=t("Sign in", lang),
        other_endpoint="auth.login",
        problem=problem,
    )


def _register_fields(lang: str, with_code: bool) -> list[Field]:
    fields = [
        Field("email", t("E-mail address", lang), type="email", autocomplete="email"),
        Field(
            "username",
            t("User name", lang),
            autocomplete="username",
            hint=t("3 to 32 letters, digits, dots, hyphens or underscores.", lang),
        ),
        Field("full_name", t("Full name (optional)", lang), autocomplete="name", required=False),
        Field(
            "password",
            t("Password", lang),
            type="password",
            autocomplete="new-password",
            hint=t("At least 8 characters of any kind; spaces count.", lang),
        ),
    ]
    if with_code:
        fields.append(
            Field(
                "code",
                t("First admin code (optional)", lang),
                hint=t(
                    "Printed where the server was started. It makes this account the administrator.", lang
                ),
                required=False,
            )
        )
    return fields


def _answered(field: Field, lang: str, given: Mapping[str, str], errors: Mapping[str, str]) -> Field:
    """The field with what was typed, passwords left out, and its message."""
    value = "" if field.type == "password" else given.get(field.name, "")
    return replace(field, value=value, error=declared(errors.get(field.name, ""), lang))
