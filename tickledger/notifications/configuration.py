"""The channels that the settings name, and what is wrong with those that cannot be used.

A message about a setting names its variable and what was expected; it never repeats an address, a token or a password.
"""

import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import getaddresses
from typing import Final, TypeVar

from tickledger.domain.errors import ConfigurationError
from tickledger.domain.ports import Clock
from tickledger.execution.clock import WallClock
from tickledger.notifications.channel import Channel
from tickledger.notifications.email import EmailChannel
from tickledger.notifications.notifier import Notifier
from tickledger.notifications.smtp_server import is_loopback, smtp_server, split_address
from tickledger.notifications.telegram import TelegramChannel
from tickledger.notifications.webhook import WebhookChannel, format_of_host
from tickledger.settings import PREFIX, Settings

_TOKEN: Final = re.compile(r"\d+:[A-Za-z0-9_-]{20,}")
_CHAT: Final = re.compile(r"-?\d+|@\w+")
#: Variables that only mean something together, the first of each group switching it on.
_GROUPS: Final = (("smtp_url", "alert_email_from", "alert_email_to"), ("telegram_bot_token", "telegram_chat_id"))

_Read = TypeVar("_Read")


class _UnusableError(ValueError):
    """A setting that cannot be used; `variable` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{PREFIX}{field.upper()}: {reason}")


@dataclass(frozen=True, slots=True)
class _Outside:
    """What a channel needs besides its settings."""

    clock: Clock
    tls: ssl.SSLContext


def build_notifier(settings: Settings) -> Notifier:
    """The notifier of `settings`, its threads running; without a channel it takes alerts and does nothing.

    Raises ConfigurationError where a channel cannot be used as it is set up.
    """
    return Notifier(alert_channels(settings), minimum_severity=settings.alert_minimum_severity)


def alert_channels(
    settings: Settings, *, clock: Clock | None = None, tls: ssl.SSLContext | None = None
) -> tuple[Channel, ...]:
    """The channels that `settings` name, in the order email, webhook, Telegram; nothing is connected to.

    `tls` decides which servers are trusted, by default those that the system trusts. Raises ConfigurationError that
    names, for each channel, the first variable that cannot be used.
    """
    outside = _Outside(clock or WallClock(), tls or ssl.create_default_context())
    problems = list(_missing(settings))
    channels: list[Channel] = []
    for make in (_email, _webhook, _telegram) if not problems else ():
        try:
            channel = make(settings, outside)
        except _UnusableError as error:
            problems.append(str(error))
        else:
            channels += [channel] if channel is not None else []
    if problems:
        raise ConfigurationError("\n".join(problems))
    return tuple(channels)


def _missing(settings: Settings) -> Iterator[str]:
    for group in _GROUPS:
        present = [field for field in group if getattr(settings, field) is not None]
        for field in group if present else ():
            if field not in present:
                names = " and ".join(f"{PREFIX}{each.upper()}" for each in present)
                yield f"{PREFIX}{field.upper()}: expected a value beside {names}, found none"


def _email(settings: Settings, outside: _Outside) -> Channel | None:
    if settings.smtp_url is None:
        return None
    server = _read("smtp_url", smtp_server, settings.smtp_url.get_secret_value())
    senders = _read("alert_email_from", _addresses, settings.alert_email_from or "")
    if len(senders) != 1:
        raise _UnusableError("alert_email_from", f"expected one address, found {len(senders)}")
    recipients = _read("alert_email_to", _addresses, settings.alert_email_to or "")
    return EmailChannel(server, sender=senders[0], recipients=recipients, clock=outside.clock, tls=outside.tls)


def _webhook(settings: Settings, outside: _Outside) -> Channel | None:
    if settings.alert_webhook_url is None:
        return None
    address = _read("alert_webhook_url", split_address, settings.alert_webhook_url.get_secret_value())
    _check_web_address("alert_webhook_url", address.scheme, address.hostname or "", has_user="@" in address.netloc)
    chosen = settings.alert_webhook_format
    form = format_of_host(address.hostname or "") if chosen == "auto" else chosen
    return WebhookChannel(address, form, tls=outside.tls)


def _telegram(settings: Settings, outside: _Outside) -> Channel | None:
    if settings.telegram_bot_token is None:
        return None
    api = _read("telegram_api_url", split_address, settings.telegram_api_url)
    _check_web_address("telegram_api_url", api.scheme, api.hostname or "", has_user="@" in api.netloc)
    if api.query or api.fragment:
        raise _UnusableError("telegram_api_url", "expected an address without ? and #")
    token, chat = settings.telegram_bot_token.get_secret_value(), settings.telegram_chat_id or ""
    if not _TOKEN.fullmatch(token):
        raise _UnusableError("telegram_bot_token", "expected a token as BotFather gives it, digits:letters")
    if not _CHAT.fullmatch(chat):
        raise _UnusableError("telegram_chat_id", f"expected a number or @channel, found {chat!r}")
    return TelegramChannel(api, token, chat, tls=outside.tls)


def _check_web_address(field: str, scheme: str, host: str, *, has_user: bool) -> None:
    if scheme not in {"https", "http"}:
        raise _UnusableError(field, "expected an address that begins with https://")
    if scheme == "http" and not is_loopback(host):
        raise _UnusableError(field, "http:// would show its key to the network: expected https:// for another machine")
    if has_user:
        raise _UnusableError(field, "expected an address without user and password")


def _addresses(text: str) -> tuple[Address, ...]:
    found = getaddresses([text])
    if not text.isprintable() or not found or not all(_is_address(spec) for _, spec in found):
        raise ValueError(f"expected addresses such as me@example.com, commas between several, found {text!r}")
    return tuple(Address(display_name=name, addr_spec=spec) for name, spec in found)


def _is_address(spec: str) -> bool:
    name, at, domain = spec.rpartition("@")
    return bool(name and at and domain) and spec.isascii() and spec.isprintable() and not set(" ,;<>()") & set(spec)


def _read(field: str, read: Callable[[str], _Read], text: str) -> _Read:
    try:
        return read(text.strip())
    except ValueError as error:
        raise _UnusableError(field, str(error)) from None
