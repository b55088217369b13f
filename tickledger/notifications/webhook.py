"""Alerts to a web address, in the format of whoever listens there."""

import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import SplitResult

from tickledger.notifications import discord, plain_json, slack
from tickledger.notifications.channel import Delivery, Pace
from tickledger.notifications.failures import failure
from tickledger.notifications.message import Message
from tickledger.notifications.posting import TIMEOUT_SECONDS, Answer, post_json
from tickledger.notifications.text import without_secrets

WebhookFormat = Literal["slack", "discord", "json"]


@dataclass(frozen=True, slots=True)
class _Format:
    payload: Callable[[Message], Mapping[str, Any]]
    answered: Callable[[Answer], Delivery]
    pace: Pace


_FORMATS: Final[Mapping[WebhookFormat, _Format]] = {
    "slack": _Format(slack.payload, slack.answered, slack.PACE),
    "discord": _Format(discord.payload, discord.answered, discord.PACE),
    "json": _Format(plain_json.payload, plain_json.answered, plain_json.PACE),
}
_HOSTS: Final[Mapping[str, WebhookFormat]] = {
    "slack.com": "slack",
    "slack-gov.com": "slack",
    "discord.com": "discord",
    "discordapp.com": "discord",
}


def format_of_host(host: str) -> WebhookFormat:
    """The format that a host is known for; plain JSON for any other."""
    found = (form for domain, form in _HOSTS.items() if host == domain or host.endswith(f".{domain}"))
    return next(found, "json")


_SHORTEST_KEY: Final = 6


class WebhookChannel:
    """Posts to `address`; `tls` decides which servers are trusted."""

    def __init__(
        self, address: SplitResult, form: WebhookFormat, *, tls: ssl.SSLContext, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self.name = form if form != "json" else "webhook"
        self.target = f"{address.scheme}://{address.hostname}"
        self._form = _FORMATS[form]
        self.pace = self._form.pace
        self._address = address
        self._tls = tls
        self._timeout = timeout
        self._secrets = _secrets(address)

    def send(self, message: Message) -> Delivery:
        """Post one message."""
        try:
            answer = post_json(self._address, self._form.payload(message), tls=self._tls, timeout=self._timeout)
        except (OSError, http.client.HTTPException) as error:
            return failure(error, self._secrets, timeout=self._timeout)
        told = self._form.answered(answer)
        return Delivery(told.outcome, without_secrets(told.detail, self._secrets), told.wait_seconds)


def _secrets(address: SplitResult) -> tuple[str, ...]:
    """What of an address is its key: path and query, and each part of them that is long enough to be one."""
    whole = (address.path.strip("/"), address.query)
    parts = (part for text in whole for part in re.split(r"[/&=]", text) if len(part) >= _SHORTEST_KEY)
    return tuple(text for text in (*whole, *parts) if text)
