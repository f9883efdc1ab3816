"""The forms with which people take their data along and close their account."""

from collections.abc import Mapping

from auth.forms import Field, Form, answered
from i18n import t


def export(lang: str, errors: Mapping[str, str], problem: str = "") -> Form:
    """The password again: what is kept about somebody goes to nobody who only found their browser open."""
    return Form(
        endpoint="auth.export",
        title=t("Export my data", lang),
        intro=t(
            "One JSON file with every row that is yours: profile, address, sessions, points, and what you own in every "
            "module. Passwords and keys are left out.",
            lang,
        ),
        submit=t("Download the file", lang),
        fields=answered([_password(lang)], lang, {}, errors),
        other_link=t("Back to my profile", lang),
        other_href="/profile",
        problem=problem,
    )


def close(
    lang: str, given: Mapping[str, str], errors: Mapping[str, str], problem: str = "", *, name: str
) -> Form:
    """What will happen, then the account's name and its password."""
    return Form(
        endpoint="auth.close",
        title=t("Close my account", lang),
        intro=t("This cannot be undone, not by an administrator either. When you go on:", lang),
        points=(
            t("Name, picture, company, place, text and preferences are erased from your profile.", lang),
            t("Your e-mail address and your password are destroyed; nobody signs in with them again.", lang),
            t("Every session, link and key of yours ends at once.", lang),
            t(
                "What you worked on (deals, tickets, messages, invoices) stays, under a profile that names nobody.",
                lang,
            ),
            t("The record of what was done keeps its entries; it is never rewritten.", lang),
        ),
        submit=t("Close my account for good", lang),
        fields=answered(
            [
                Field(
                    "confirm",
                    t("Your user name", lang),
                    hint=t("Type {name}, so that this is no accident.", lang, name=name),
                ),
                _password(lang),
            ],
            lang,
            given,
            errors,
        ),
        other_link=t("Keep my account", lang),
        other_href="/profile",
        problem=problem,
        is_danger=True,
    )


def _password(lang: str) -> Field:
    return Field("password", t("Password", lang), type="password", autocomplete="current-password")
