"""Alerts by email, through the mail server of the person's own provider."""

import smtplib
import socket
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

from tickledger.domain.ports import Clock
from tickledger.notifications.channel import Delivery, Outcome, Pace
from tickledger.notifications.deadline import Deadline, deadline
from tickledger.notifications.email_message import email_message
from tickledger.notifications.failures import failure
from tickledger.notifications.message import Message
from tickledger.notifications.smtp_server import SmtpSecurity, SmtpServer
from tickledger.notifications.text import one_line, shortened, without_secrets

#: Providers count mails by the hour or the day; more than this a minute is taken for spam.
PACE: Final = Pace(per_minute=4, burst=6)
#: Seconds for a whole conversation; mail servers may take their time for the greeting.
TIMEOUT_SECONDS: Final = 30.0

_PERMANENT: Final = 500
_SHOWN: Final = 200
# What we call ourselves; asking the system for this machine's name may wait for a name server.
_OURSELVES: Final = "[127.0.0.1]"


class EmailChannel:
    """Mails every message to all `recipients`; one conversation with the server for each.

    A mail that one of the recipients' servers takes counts as sent; who was refused is told.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        sender: Address,
        recipients: tuple[Address, ...],
        clock: Clock,
        tls: ssl.SSLContext,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.name = "email"
        self.target = f"{', '.join(each.addr_spec for each in recipients)} by {server.host}:{server.port}"
        self.pace = PACE
        self._server = server
        self._sender = sender
        self._recipients = recipients
        self._clock = clock
        self._tls = tls
        self._timeout = timeout

    def send(self, message: Message) -> Delivery:
        """Mail one message."""
        email = email_message(message, sender=self._sender, recipients=self._recipients, sent_at=self._clock.now())
        with deadline(self._timeout) as limit:
            try:
                return self._deliver(email, limit)
            except smtplib.SMTPRecipientsRefused as error:
                return self._refusal(max(code for code, _ in error.recipients.values()), _refused(error.recipients))
            except smtplib.SMTPResponseException as error:
                return self._refusal(error.smtp_code, _text(error.smtp_error))
            except smtplib.SMTPNotSupportedError as error:
                return Delivery(Outcome.REFUSED, f"the server cannot do what was asked: {self._safe(str(error))}")
            except (OSError, smtplib.SMTPException) as error:
                cause = TimeoutError() if limit.has_passed else error
                return failure(cause, self._secrets, timeout=self._timeout)

    def _deliver(self, email: EmailMessage, limit: Deadline) -> Delivery:
        smtp = _Conversation(self._server, self._tls, limit, timeout=self._timeout)
        try:
            smtp.connect(self._server.host, self._server.port)
            if self._server.security is SmtpSecurity.STARTTLS:
                smtp.starttls(context=self._tls)
            if self._server.user:
                smtp.login(self._server.user, self._server.password)
            refused = smtp.send_message(email)
            with suppress(OSError):  # the mail is taken; whether the server hears the goodbye does not matter
                smtp.putcmd("quit")
            return Delivery(Outcome.SENT, self._safe(f"refused: {_refused(refused)}") if refused else "")
        finally:
            smtp.close()

    def _refusal(self, code: int, said: str) -> Delivery:
        """Codes below 500 are of a trouble that passes (RFC 5321, 4.2.1)."""
        outcome = Outcome.REFUSED if code >= _PERMANENT else Outcome.FAILED
        return Delivery(outcome, self._safe(f"answered {code}: {said}"))

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (self._server.password,)

    def _safe(self, text: str) -> str:
        return shortened(without_secrets(one_line(text), self._secrets), _SHOWN)


class _Conversation(smtplib.SMTP):
    """`smtplib.SMTP` whose connection has a deadline, and is encrypted from the start where the server says so."""

    def __init__(self, server: SmtpServer, tls: ssl.SSLContext, limit: Deadline, *, timeout: float) -> None:
        self._server = server
        self._tls = tls
        self._limit = limit
        super().__init__(local_hostname=_OURSELVES, timeout=timeout)
        # STARTTLS checks the certificate against the host; the name is otherwise set only where __init__ connects.
        self._host = server.host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        self._limit.watch(connection)
        if self._server.security is SmtpSecurity.TLS:
            return self._tls.wrap_socket(connection, server_hostname=host)  # closes it where that fails
        return connection


def _refused(recipients: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{recipient}: {code} {_text(said)}" for recipient, (code, said) in recipients.items())


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
