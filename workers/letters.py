"""The letters: plain text and simple HTML, in the person's language, short, with what to do if one did not ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from html import escape

from email_validator import validate_email

from db.services.outgoing_mail import PASSWORD_CHANGED, Letter
from i18n import LANGUAGES, t

PRODUCT = "ALSHAM QUANTUM"
PAGE = """<!doctype html>
<html lang="{lang}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body style="margin:0;padding:24px;background:#f4f5f9;color:#1b1e2b;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:520px;margin:0 auto;padding:28px;background:#ffffff;border-radius:12px">
{body}
<p style="margin:24px 0 0;color:#5b6072;font-size:13px">{product} · {where}</p>
</div>
</body>
</html>
"""
TEXT = '<p style="margin:0 0 16px">{}</p>'
BUTTON = (
    '<p style="margin:0 0 16px"><a href="{href}" style="display:inline-block;padding:12px 20px;background:#4c3fd1;'
    'color:#ffffff;text-decoration:none;border-radius:8px">{words}</a></p>'
    '<p style="margin:0 0 16px;font-size:13px;word-break:break-all;color:#5b6072">{href}</p>'
)


@dataclass(frozen=True)
class Words:
    """A letter as paragraphs; `link` stands after the first of them, under the words `action`."""

    subject: str
    paragraphs: Sequence[str]
    action: str = ""
    link: str = ""


def compose(letter: Letter, base: str, sender: str, now: datetime) -> EmailMessage:
    """The message for `letter`; its link begins with `base`. Raises ValueError for an address mail cannot go to."""
    lang = letter.language if letter.language in LANGUAGES else "en"
    words = _changed(lang, base) if letter.kind == PASSWORD_CHANGED else _reset(letter, lang, base)
    message = EmailMessage()
    message["Subject"] = words.subject
    message["From"] = sender
    # The spelling for the wire: older servers know no other letters than ASCII.
    message["To"] = validate_email(letter.email, check_deliverability=False).ascii_email or letter.email
    message["Date"] = format_datetime(now.astimezone(UTC))
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    greeting = t("Hello {name},", lang, name=letter.name) if letter.name else t("Hello,", lang)
    message.set_content(_plain(greeting, words, base))
    message.add_alternative(_html(greeting, words, base, lang), subtype="html")
    return message


def _reset(letter: Letter, lang: str, base: str) -> Words:
    path = letter.link.path if letter.link else ""
    return Words(
        subject=t("Choose a new password", lang),
        paragraphs=(
            t(
                "With this link you choose a new password for your account. It works once, within one hour:",
                lang,
            ),
            t(
                "If you did not ask for this, do nothing: your password stays as it is. If it happens again, "
                "tell whoever runs this installation.",
                lang,
            ),
        ),
        action=t("Choose a new password", lang),
        link=f"{base}{path}?lang={lang}",
    )


def _changed(lang: str, base: str) -> Words:
    return Words(
        subject=t("Your password was changed", lang),
        paragraphs=(
            t("The password of your account was changed with a link, and every session was ended.", lang),
            t(
                "If that was not you, choose a new password at once and tell whoever runs this installation:",
                lang,
            )
            + f" {base}/forgot",
        ),
    )


def _plain(greeting: str, words: Words, base: str) -> str:
    first, *others = words.paragraphs
    parts = [greeting, first, *([words.link] if words.link else []), *others, f"{PRODUCT}\n{base}"]
    return "\n\n".join(parts) + "\n"


def _html(greeting: str, words: Words, base: str, lang: str) -> str:
    first, *others = (TEXT.format(escape(text)) for text in words.paragraphs)
    button = BUTTON.format(href=escape(words.link), words=escape(words.action)) if words.link else ""
    body = "\n".join([TEXT.format(escape(greeting)), first, button, *others])
    return PAGE.format(lang=lang, title=escape(words.subject), body=body, product=PRODUCT, where=escape(base))
