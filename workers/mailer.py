"""The mailer: a thread of the serving process that sends the mail that waits, so that no request waits for a server.

What cannot be sent is tried again with growing delays. The log tells the kind of a failure and its status, never an
address, a link or what a server said, which may repeat both.
"""

import logging
import smtplib
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from db.actor import SYSTEM
from db.engine import Engine, session
from db.services import measure, outgoing_mail
from db.services.outgoing_mail import Letter, Waiting
from settings import Mail
from workers.letters import compose

TICK_SECONDS = 3.0
TIMEOUT_SECONDS = 15.0
MOST_AT_ONCE = 50

log = logging.getLogger("quantum.mailer")


class Mailer:
    """Empties the table of waiting mail behind `engine` (the system's login) through the server `mail`.

    Without `mail` it does nothing. Links begin with `base`. `trust` checks the server's certificate; None for the
    machine's own authorities.
    """

    def __init__(
        self,
        engine: Engine,
        mail: Mail | None,
        base: str | None,
        *,
        trust: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.engine, self.mail, self.base = engine, mail, base or ""
        self._trust, self._now = trust, now
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to send. Starting twice is starting once."""
        if self.mail is None or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="mailer", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End; what is not sent yet waits for the next start."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join(timeout)
        self._thread = None

    def _run(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            try:
                self.empty()
            except Exception as error:
                log.warning("mailer: %s", type(error).__name__)

    def empty(self) -> int:
        """Send what is due; returns how many letters went out."""
        sent = 0
        for _ in range(MOST_AT_ONCE):
            with session(self.engine, SYSTEM, write=True) as unit:
                mail = outgoing_mail.take(unit, self._now())
            if mail is None or self._ended.is_set():
                break
            sent += self._send(mail)
        return sent

    def _send(self, mail: Waiting) -> bool:
        """One mail, tried once. Its link is stored before it leaves, and the mail is crossed out after."""
        with session(self.engine, SYSTEM, write=True) as unit:
            letter = outgoing_mail.write(unit, mail, self._now())
        if letter is None:
            return False
        error = self._deliver(letter)
        given_up = False
        with session(self.engine, SYSTEM, write=True) as unit:
            if error is None:
                outgoing_mail.drop(unit, mail)
            else:
                given_up = not outgoing_mail.put_off(unit, mail, letter, error, self._now())
        if error is not None:
            log.warning("mailer: a mail was not sent (try %d): %s", mail.tries, error)
        if error is not None and given_up:
            self._tell(error)
        return error is None

    def _deliver(self, letter: Letter) -> str | None:
        """What went wrong, in a word and a status; None when the server took it."""
        assert self.mail is not None
        try:
            message = compose(letter, self.base, self.mail.sender, self._now())
            with connect(self.mail, self._trust) as server:
                server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return failure(error)
        return None

    def _tell(self, error: str) -> None:
        """Whoever looks at the page System sees that mail does not go out."""
        words = "A mail was given up: the mail server did not take it."
        with session(self.engine, SYSTEM, write=True) as unit:
            measure.introduce(unit, self.engine.dialect.name)
            measure.write_log(unit, measure.WEB, "error", words, error=error)


def connect(mail: Mail, trust: ssl.SSLContext | None = None) -> smtplib.SMTP:
    """A connection to the server, with its certificate checked and signed in where that is asked for.

    Where STARTTLS is asked for nothing is sent without it.
    """
    context = trust or ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_SECONDS)
    try:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.user:
            server.login(mail.user, mail.password or "")
    except BaseException:
        server.close()
        raise
    return server


def failure(error: Exception) -> str:
    """A failure's kind and the server's status; not its words, which may hold addresses."""
    status = getattr(error, "smtp_code", None)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        status = next((code for code, _ in error.recipients.values()), None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__
