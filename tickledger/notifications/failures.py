"""What it means that a conversation with a server broke off."""

import smtplib
import ssl

from tickledger.notifications.channel import Delivery, Outcome
from tickledger.notifications.text import one_line, shortened, without_secrets

_SHOWN = 200


def failure(error: Exception, secrets: tuple[str, ...], *, timeout: float) -> Delivery:
    """A failed attempt, with the reason for a person; `secrets` are not in it, `timeout` is in seconds."""
    return Delivery(Outcome.FAILED, shortened(without_secrets(one_line(_reason(error, timeout)), secrets), _SHOWN))


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, ConnectionError | smtplib.SMTPServerDisconnected):
        return "the connection was closed"
    return type(error).__name__
