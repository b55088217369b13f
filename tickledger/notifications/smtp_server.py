"""The mail server that an address names: ``smtp+starttls://user:password@host:587``, ``smtps://`` or ``smtp://``."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

_FORMS: Final = (
    "smtp+starttls://user:password@host:587, smtps://user:password@host:465 or, on this machine, smtp://host"
)


class SmtpSecurity(StrEnum):
    """How a conversation with a mail server is kept from others: not at all, from STARTTLS on, from the start."""

    PLAIN = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS: Final = {SmtpSecurity.PLAIN: 25, SmtpSecurity.STARTTLS: 587, SmtpSecurity.TLS: 465}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and how to log in; without a user nobody logs in."""

    host: str
    port: int
    security: SmtpSecurity
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"SmtpServer({self.security}://{self.host}:{self.port})"


def smtp_server(url: str) -> SmtpServer:
    """The server that `url` names; raises ValueError that says what was expected, and repeats nothing of `url`."""
    address = split_address(url)
    try:
        security = SmtpSecurity(address.scheme)
    except ValueError:
        raise ValueError(f"expected {_FORMS}") from None
    host = address.hostname or ""
    if address.path.strip("/") or address.query or address.fragment:
        raise ValueError(f"expected {_FORMS}, with nothing after the port; write / ? # in a password as %2F %3F %23")
    if security is SmtpSecurity.PLAIN and not is_loopback(host):
        raise ValueError("smtp:// without encryption is for a server on this machine only; use smtp+starttls or smtps")
    if address.password is not None and not address.username:
        raise ValueError("expected a user before the password")
    user, password = unquote(address.username or ""), unquote(address.password or "")
    return SmtpServer(host, address.port or _PORTS[security], security, user, password)


def split_address(url: str) -> SplitResult:
    """The parts of an address that has a host; raises ValueError that repeats nothing of `url`."""
    if any(character.isspace() or not character.isprintable() or ord(character) > 0x7E for character in url):  # noqa: PLR2004
        raise ValueError("expected an address of ASCII characters without spaces")
    try:
        address = urlsplit(url)
        has_port = address.port is None or address.port > 0
    except ValueError:
        raise ValueError("expected an address with a port from 1 to 65535 or without one") from None
    host = address.hostname or ""
    if not host or not has_port or any(not 0 < len(label) < 64 for label in host.rstrip(".").split(".")):  # noqa: PLR2004
        raise ValueError("expected an address with a host, and a port from 1 to 65535 or none")
    return address


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its name or its address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
