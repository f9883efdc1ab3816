"""The forms behind links, and the one that asks for a link."""

from collections.abc import Mapping

from auth.forms import Field, Form, answered, new_password, register_fields
from i18n import declared, t


def forgot(lang: str, given: Mapping[str, str], problem: str = "") -> Form:
    """Whose password was forgotten; the answer is the same whatever is typed."""
    name = Field("login", t("E-mail address or user name", lang), autocomplete="username")
    return Form(
        endpoint="auth.forgot",
        title=t("Forgot your password?", lang),
        intro=t("A link goes to your e-mail address. With it you choose a new password.", lang),
        submit=t("Send the link", lang),
        fields=answered([name], lang, given, {}),
        other_text=t("Remembered it?", lang),
        other_link=t("Sign in", lang),
        other_endpoint="auth.login",
        problem=problem,
    )


def reset(lang: str, errors: Mapping[str, str], problem: str = "") -> Form:
    """A new password."""
    return Form(
        endpoint="auth.reset",
        title=t("Choose a new password", lang),
        intro=t("It ends every session of your account, on every device. Then you sign in with it.", lang),
        submit=t("Store the new password", lang),
        fields=answered([new_password(t("New password", lang), lang)], lang, {}, errors),
        problem=problem,
    )


def invite(
    lang: str,
    given: Mapping[str, str],
    errors: Mapping[str, str],
    problem: str = "",
    *,
    email: str,
    role: str,
) -> Form:
    """An account for whoever was invited: address and role are the invitation's."""
    fields = [field for field in register_fields(lang) if field.name != "email"]
    return Form(
        endpoint="auth.invite",
        title=t("You are invited", lang),
        intro=t(
            "Your account will have the address {email} and the role {role}.",
            lang,
            email=email,
            role=declared(role, lang),
        ),
        submit=t("Create account", lang),
        fields=answered(fields, lang, given, errors),
        other_text=t("Have an account already?", lang),
        other_link=t("Sign in", lang),
        other_endpoint="auth.login",
        problem=problem,
    )
