"""A message as an email: text and a simple HTML page of the same."""

import hashlib
import html
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from tickledger.domain.alert import AlertSeverity
from tickledger.notifications.message import Message, plain_text

# Seven bits go through every server.
_POLICY: Final = SMTP.clone(cte_type="7bit")
_COLOURS: Final = {
    AlertSeverity.INFO: "#0969da",
    AlertSeverity.WARNING: "#9a6700",
    AlertSeverity.ERROR: "#bc4c00",
    AlertSeverity.CRITICAL: "#cf222e",
}


def email_message(
    message: Message, *, sender: Address, recipients: tuple[Address, ...], sent_at: datetime
) -> EmailMessage:
    """The email. The same message has the same Message-ID, so that a second delivery of it can be known."""
    email = EmailMessage(policy=_POLICY)
    email["Subject"] = message.headline
    email["From"] = sender
    email["To"] = recipients
    email["Date"] = format_datetime(sent_at)
    email["Message-ID"] = f"<{_digest(message)}@{sender.domain}>"
    # Answering machines leave what says that it is automatic alone.
    email["Auto-Submitted"] = "auto-generated"
    if message.severity is AlertSeverity.CRITICAL:
        email["Importance"] = "high"
    email.set_content(plain_text(message))
    email.add_alternative(_page(message), subtype="html")
    return email


def _digest(message: Message) -> str:
    return hashlib.sha256(repr((message.occurred_at, plain_text(message))).encode()).hexdigest()[:32]


def _page(message: Message) -> str:
    """The message as HTML without anything that would have to be loaded."""
    rows = "".join(
        f'<tr><td style="padding:2px 12px 2px 0;color:#57606a">{_safe(name)}</td><td>{_safe(value)}</td></tr>'
        for name, value in message.facts
    )
    notes = "".join(f'<p style="color:#57606a">{_safe(note)}</p>' for note in message.notes)
    return (
        '<html><body style="font-family:sans-serif">'
        f'<h2 style="color:{_COLOURS[message.severity]}">{_safe(message.headline)}</h2>'
        f'<p style="white-space:pre-wrap">{_safe(message.body)}</p>'
        f"<table>{rows}</table>{notes}"
        f'<p style="color:#57606a">{_safe(message.when)}<br>{_safe(message.where)}</p>'
        "</body></html>\n"
    )


def _safe(text: str) -> str:
    return html.escape(text)
