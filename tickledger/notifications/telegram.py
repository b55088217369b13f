"""Alerts as messages of a Telegram bot.

HTML and not MarkdownV2: three characters to escape instead of eighteen, by ``sendMessage`` of the Bot API. A text may
have 4,096 characters once its entities are read, counted in UTF-16; here the markup counts as well.
"""

import http.client
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult

from tickledger.domain.alert import AlertSeverity
from tickledger.notifications.channel import Delivery, Outcome, Pace
from tickledger.notifications.failures import failure
from tickledger.notifications.message import Message
from tickledger.notifications.posting import TIMEOUT_SECONDS, Answer, delivery, post_json, seconds
from tickledger.notifications.text import fitted, without_secrets

#: Groups take 20 messages a minute; half of it, since there are two lanes.
PACE: Final = Pace(per_minute=10, burst=5)

_LIMIT: Final = 4096
_HEADLINE: Final = 500
_BODY: Final = 2500
_FOOT: Final = 1000
# A name after @ would be told that it was mentioned; a space without width between them prevents that.
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b"})
_SIGNS: Final = {
    AlertSeverity.INFO: "",
    AlertSeverity.WARNING: "⚠️ ",
    AlertSeverity.ERROR: "❗ ",
    AlertSeverity.CRITICAL: "🛑 ",
}


def payload(message: Message, chat_id: str) -> Mapping[str, Any]:
    """The parameters of ``sendMessage``; news of no urgency makes no sound."""
    return {
        "chat_id": chat_id,
        "text": _html(message),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": message.severity is AlertSeverity.INFO,
    }


def answered(answer: Answer) -> Delivery:
    """What the Bot API's answer means: ``ok`` in the document, or an error with its description."""
    document = answer.document
    parameters = document.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    told = str(document.get("description", ""))
    if "migrate_to_chat_id" in parameters:
        told += f"; set TICKLEDGER_TELEGRAM_CHAT_ID={parameters['migrate_to_chat_id']}"
    found = delivery(answer, told=told, wait_seconds=seconds(parameters.get("retry_after")) or 0.0)
    if found.outcome is Outcome.SENT and document.get("ok") is not True:
        return Delivery(Outcome.FAILED, "answered something that is not of the Bot API: is the address right?")
    return found


class TelegramChannel:
    """Sends by the bot that `token` belongs to, to one chat; `api` is the address of the Bot API."""

    def __init__(
        self, api: SplitResult, token: str, chat_id: str, *, tls: ssl.SSLContext, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self.name = "telegram"
        self.target = f"chat {chat_id}"
        self.pace = PACE
        self._address = api._replace(path=f"{api.path.rstrip('/')}/bot{token}/sendMessage")
        self._chat_id = chat_id
        self._tls = tls
        self._timeout = timeout
        self._secrets = (token,)

    def send(self, message: Message) -> Delivery:
        """Send one message."""
        try:
            answer = post_json(self._address, payload(message, self._chat_id), tls=self._tls, timeout=self._timeout)
        except (OSError, http.client.HTTPException) as error:
            return failure(error, self._secrets, timeout=self._timeout)
        told = answered(answer)
        return Delivery(told.outcome, without_secrets(told.detail, self._secrets), told.wait_seconds)


def _html(message: Message) -> str:
    head = f"<b>{fitted(_SIGNS[message.severity] + message.headline, _HEADLINE, _escaped)}</b>"
    body = fitted(message.body, _BODY, _escaped)
    foot = fitted(message.foot, _FOOT, _escaped)
    # The facts have what room the others leave.
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts)
    parts = [part for part in (head, body, foot) if part]
    room = _LIMIT - len("\n\n".join(parts).encode("utf-16-le")) // 2 - len("\n\n")
    parts.insert(-1, fitted(facts, room, _escaped))
    return "\n\n".join(part for part in parts if part)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
