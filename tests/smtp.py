"""A real SMTP server on this machine, for whoever tests mail: with or without TLS, with or without a password."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from settings import Mail

CERTIFICATE = Path(__file__).parent / "workers" / "localhost.pem"
USER, PASSWORD = "quantum", "p@ss word/%"
SENDER = "Quantum <quantum@example.com>"


class Postbox:
    """What the server took, and what it answers: set `answer` to refuse."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.encrypted: list[bool] = []
        self.answer = "250 taken"
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.messages.append(message)
            self.recipients += envelope.rcpt_tos
            self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return self.answer

    def mail(self, security: str = "none", user: str | None = None, password: str | None = None) -> Mail:
        """How to reach it."""
        return Mail("127.0.0.1", self.port, user, password, security, SENDER)


def trust() -> ssl.SSLContext:
    """Trust in the server's certificate, which no authority vouches for."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@contextmanager
def server(security: str = "none", *, asks_password: bool = False) -> Iterator[Postbox]:
    """The server while the block runs."""
    box = Postbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        box.port = probe.getsockname()[1]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    options: dict[str, Any] = {}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if security == "tls":
        options |= {"ssl_context": context}
    if asks_password:
        options |= {
            "authenticator": _check,
            "auth_required": True,
            "auth_require_tls": security == "starttls",
        }
    # Its warning is right, and no matter on this machine.
    warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
    running = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    running.start()
    try:
        yield box
    finally:
        running.stop()


def _check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)
