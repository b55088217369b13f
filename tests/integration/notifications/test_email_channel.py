"""Mail through a real server: STARTTLS, TLS from the start, logging in, and each way of being refused."""

import email
import email.policy
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.alerts import alert, fill, message
from tickledger.domain.account import Mode
from tickledger.execution.clock import ReplayClock
from tickledger.notifications.channel import Delivery, Outcome
from tickledger.notifications.email import EmailChannel
from tickledger.notifications.smtp_server import SmtpSecurity, SmtpServer

USER, PASSWORD = "me@example.com", "p/@ss:hunter2"
NOW = datetime(2026, 3, 2, 14, 3, tzinfo=UTC)
PLAIN_TLS = ssl.create_default_context()


class Inbox:
    """Keeps mails; `answers` are given instead of the usual ones, by command."""

    def __init__(self, **answers: str) -> None:
        self.mails: queue.Queue[Envelope] = queue.Queue()
        self.is_encrypted: list[bool] = []
        self._answers = answers

    async def handle_RCPT(  # noqa: N802  the name is the library's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self._answers:
            return self._answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  the name is the library's
        if "DATA" in self._answers:
            return self._answers["DATA"]
        transport = server.transport
        self.is_encrypted.append(transport is not None and transport.get_extra_info("ssl_object") is not None)
        self.mails.put(envelope)
        return "250 Message accepted for delivery"


def authenticated(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@contextmanager
def mail_server(inbox: Inbox, tls: ssl.SSLContext, security: SmtpSecurity, **options: Any) -> Iterator[int]:
    """A server on a free port; it takes nobody's mail without encryption and login, except in the plain form."""
    if security is SmtpSecurity.STARTTLS:
        options |= {"tls_context": tls, "require_starttls": True, "auth_required": True}
    if security is SmtpSecurity.TLS:
        options |= {"ssl_context": tls, "auth_require_tls": False}
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), authenticator=authenticated, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def channel(
    port: int,
    security: SmtpSecurity = SmtpSecurity.PLAIN,
    *,
    tls: ssl.SSLContext = PLAIN_TLS,
    password: str = "",
    host: str = "localhost",
    timeout: float = 10,
) -> EmailChannel:
    return EmailChannel(
        SmtpServer(host, port, security, USER if password else "", password),
        sender=Address("Tickledger", addr_spec="alerts@example.com"),
        recipients=(Address(addr_spec="me@example.com"), Address("Bob", addr_spec="bob@example.org")),
        clock=ReplayClock(NOW),
        tls=tls,
        timeout=timeout,
    )


def read(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


@pytest.mark.parametrize("security", [SmtpSecurity.STARTTLS, SmtpSecurity.TLS])
def test_an_encrypted_server_gets_the_mail_after_a_login(
    security: SmtpSecurity, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    inbox = Inbox()
    with mail_server(inbox, server_tls, security) as port:
        delivery = channel(port, security, tls=client_tls, password=PASSWORD).send(
            message(fill("AAPL", mode=Mode.LIVE, title="BUY 1 Ærø at 10 €"))
        )
        assert delivery == Delivery(Outcome.SENT)
        envelope = inbox.mails.get(timeout=10)
    assert inbox.is_encrypted == [True]
    assert envelope.mail_from == "alerts@example.com"
    assert envelope.rcpt_tos == ["me@example.com", "bob@example.org"]
    mail = read(envelope)
    assert mail["Subject"] == "LIVE · BUY 1 Ærø at 10 €"
    assert mail["From"] == "Tickledger <alerts@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, page = mail.iter_parts()
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert "symbol: AAPL" in plain.get_content()


def test_a_server_on_this_machine_needs_neither(server_tls: ssl.SSLContext) -> None:
    inbox = Inbox()
    with mail_server(inbox, server_tls, SmtpSecurity.PLAIN) as port:
        assert channel(port).send(message(alert())) == Delivery(Outcome.SENT)
    assert inbox.is_encrypted == [False]


@pytest.mark.parametrize("security", [SmtpSecurity.STARTTLS, SmtpSecurity.TLS])
def test_a_certificate_that_is_not_trusted_gets_no_password(security: SmtpSecurity, server_tls: ssl.SSLContext) -> None:
    inbox = Inbox()
    with mail_server(inbox, server_tls, security) as port:
        delivery = channel(port, security, tls=PLAIN_TLS, password=PASSWORD).send(message(alert()))
    assert delivery.outcome is Outcome.FAILED
    assert "certificate is not trusted" in delivery.detail
    assert inbox.mails.empty()


def test_a_certificate_of_another_host_is_not_trusted(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with mail_server(Inbox(), server_tls, SmtpSecurity.STARTTLS) as port:
        delivery = channel(port, SmtpSecurity.STARTTLS, tls=client_tls, password=PASSWORD, host="127.0.0.2").send(
            message(alert())
        )
    assert delivery.outcome is Outcome.FAILED


def test_a_server_without_starttls_gets_nothing(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    inbox = Inbox()
    with mail_server(inbox, server_tls, SmtpSecurity.PLAIN) as port:
        delivery = channel(port, SmtpSecurity.STARTTLS, tls=client_tls, password=PASSWORD).send(message(alert()))
    assert delivery.outcome is Outcome.REFUSED
    assert "STARTTLS" in delivery.detail
    assert inbox.mails.empty()


def test_a_wrong_password_is_refused_and_not_repeated(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with mail_server(Inbox(), server_tls, SmtpSecurity.STARTTLS) as port:
        delivery = channel(port, SmtpSecurity.STARTTLS, tls=client_tls, password=f"wrong-{PASSWORD}").send(
            message(alert())
        )
    assert delivery.outcome is Outcome.REFUSED
    assert delivery.detail.startswith("answered 535")
    assert "hunter2" not in delivery.detail


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"DATA": "452 Insufficient storage"}, Delivery(Outcome.FAILED, "answered 452: Insufficient storage")),
        ({"DATA": "554 Looks like spam"}, Delivery(Outcome.REFUSED, "answered 554: Looks like spam")),
        (
            {"bob@example.org": "550 No such user"},
            Delivery(Outcome.SENT, "refused: bob@example.org: 550 No such user"),
        ),
        (
            {"bob@example.org": "450 Greylisted", "me@example.com": "450 Greylisted"},
            Delivery(Outcome.FAILED, "answered 450: me@example.com: 450 Greylisted; bob@example.org: 450 Greylisted"),
        ),
        (
            {"bob@example.org": "550 No such user", "me@example.com": "550 No such user"},
            Delivery(
                Outcome.REFUSED, "answered 550: me@example.com: 550 No such user; bob@example.org: 550 No such user"
            ),
        ),
    ],
)
def test_what_a_refusal_means(answers: dict[str, str], expected: Delivery, server_tls: ssl.SSLContext) -> None:
    with mail_server(Inbox(**answers), server_tls, SmtpSecurity.PLAIN) as port:
        assert channel(port).send(message(alert())) == expected


@contextmanager
def crude_server(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server that is none: it does to each connection what it is told, until the end."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    serve(connection, is_over)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            is_over.set()


def drip(connection: socket.socket, is_over: threading.Event) -> None:
    while not is_over.wait(0.05):
        connection.sendall(b"2")


def hang(connection: socket.socket, is_over: threading.Event) -> None:  # noqa: ARG001  as all of them
    is_over.wait(20)


def greet_and_go(connection: socket.socket, is_over: threading.Event) -> None:  # noqa: ARG001  as all of them
    connection.sendall(b"220 welcome\r\n")


def babble(connection: socket.socket, is_over: threading.Event) -> None:  # noqa: ARG001  as all of them
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "security", "detail"),
    [
        (drip, SmtpSecurity.PLAIN, {"no answer within 0.4 s"}),
        # Whether the wait or the library's own end of it comes first is a matter of microseconds.
        (hang, SmtpSecurity.PLAIN, {"no answer within 0.4 s", "the connection was closed"}),
        (hang, SmtpSecurity.TLS, {"no answer within 0.4 s", "the connection was closed"}),
        (greet_and_go, SmtpSecurity.PLAIN, {"the connection was closed"}),
    ],
)
def test_a_server_that_is_none_is_a_failure(
    serve: Callable[[socket.socket, threading.Event], None], security: SmtpSecurity, detail: set[str]
) -> None:
    with crude_server(serve) as port:
        delivery = channel(port, security, timeout=0.4).send(message(alert()))
    assert delivery.outcome is Outcome.FAILED
    assert delivery.detail in detail


def test_a_server_that_speaks_another_language_is_a_failure() -> None:
    with crude_server(babble) as port:
        assert channel(port, timeout=2).send(message(alert())).outcome is Outcome.FAILED
