"""The forms of the second factor and of giving one's password again, as data in the reader's language."""

from auth.forms import Field, Form
from i18n import t


def code(lang: str, problem: str = "") -> Form:
    """After the right password: the code of the app."""
    return Form(
        endpoint="auth.code",
        title=t("Enter your code", lang),
        intro=t("Your password is right. Open your authenticator app and type the code it shows now.", lang),
        submit=t("Sign in", lang),
        fields=(_app_code(lang, t("Code of the app", lang)),),
        other_text=t("Phone not at hand?", lang),
        other_link=t("Use a recovery code", lang),
        other_endpoint="auth.recovery",
        problem=problem,
        back_text=t("Sign in as somebody else", lang),
        back_to="/login",
    )


def recovery(lang: str, problem: str = "") -> Form:
    """After the right password: a recovery code."""
    return Form(
        endpoint="auth.recovery",
        title=t("Enter a recovery code", lang),
        intro=t("One of the ten codes you kept when you set up the second factor. Each works once.", lang),
        submit=t("Sign in", lang),
        fields=(
            Field(
                "code",
                t("Recovery code", lang),
                hint=t("16 letters and digits; hyphens and capitals do not matter.", lang),
            ),
        ),
        other_text=t("Phone at hand?", lang),
        other_link=t("Use the code of the app", lang),
        other_endpoint="auth.code",
        problem=problem,
        back_text=t("Lost the codes too? An administrator can reset your second factor.", lang),
        back_to="",
    )


def confirm(lang: str, *, asks_code: bool, may_leave: bool, problem: str = "") -> Form:
    """The password once more, and the code where a second factor is on."""
    return Form(
        endpoint="auth.confirm",
        title=t("Give your password again", lang),
        intro=t("It was last given over ten minutes ago. This makes sure that it is still you.", lang),
        submit=t("Go on", lang),
        fields=_password_and_code(lang, asks_code=asks_code),
        problem=problem,
        back_text=t("To the first page", lang) if may_leave else "",
    )


def set_up(lang: str, back_to: str, *, is_demanded: bool, error: str = "", problem: str = "") -> Form:
    """The first code of the app, which turns the factor on."""
    why = t("From then on signing in takes your password and a code from your phone.", lang)
    demanded = t("Your role needs a second factor before anything else opens.", lang)
    return Form(
        endpoint="auth.second_factor",
        title=t("Set up your second factor", lang),
        intro=f"{demanded} {why}" if is_demanded else why,
        submit=t("Turn it on", lang),
        fields=(_app_code(lang, t("Code the app shows now", lang), error),),
        problem=problem,
        back_text="" if is_demanded else t("Go back, and leave it off", lang),
        back_to=back_to,
        focus=bool(error),
    )


def renew(lang: str, problem: str = "") -> Form:
    """New recovery codes: one button, since the old ones stop working."""
    return Form(
        endpoint="auth.recovery_codes",
        title=t("New recovery codes", lang),
        intro=t("You get ten new codes. All codes you have now stop working at once.", lang),
        submit=t("Make new codes", lang),
        fields=(),
        problem=problem,
        back_text=t("Keep the codes I have", lang),
        back_to="/profile",
    )


def turn_off(lang: str, *, is_demanded: bool, problem: str = "") -> Form:
    """Password and code together take the factor away."""
    plain = t("From then on your password alone opens your account.", lang)
    demanded = t(
        "Your role needs a second factor: after turning this one off you set up another before anything else opens.",
        lang,
    )
    return Form(
        endpoint="auth.second_factor_off",
        title=t("Turn off the second factor", lang),
        intro=demanded if is_demanded else plain,
        submit=t("Turn it off", lang),
        fields=_password_and_code(lang, asks_code=True),
        problem=problem,
        back_text=t("Keep it on", lang),
        back_to="/profile",
    )


def _password_and_code(lang: str, *, asks_code: bool) -> tuple[Field, ...]:
    password = Field("password", t("Password", lang), type="password", autocomplete="current-password")
    either = Field(
        "code",
        t("Code of the app, or a recovery code", lang),
        autocomplete="one-time-code",
        hint=t("Six digits from the app; without your phone, one of your recovery codes.", lang),
    )
    return (password, either) if asks_code else (password,)


def _app_code(lang: str, label: str, error: str = "") -> Field:
    return Field(
        "code",
        label,
        autocomplete="one-time-code",
        inputmode="numeric",
        hint=t("Six digits; a new one every 30 seconds.", lang),
        error=error,
    )
