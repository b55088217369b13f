"""A message as Slack's incoming webhooks take it: Block Kit, plain text in every block.

Limits by Slack's reference: 150 characters of a header, 3,000 of a text, 10 fields of 2,000 in a section. ``&``, ``<``
and ``>`` are escaped in every text, as "Formatting text for app surfaces" demands; plain text knows no other markup, so
nothing in an alert can mention a person or a channel.
"""

from collections.abc import Mapping
from typing import Any, Final

from tickledger.domain.alert import AlertSeverity
from tickledger.notifications.channel import Delivery, Pace
from tickledger.notifications.message import Message
from tickledger.notifications.posting import Answer, delivery
from tickledger.notifications.text import fitted

#: "No more than one message per second", short bursts allowed; half of it, since there are two lanes.
PACE: Final = Pace(per_minute=30, burst=5)

_HEADER: Final = 150
_TEXT: Final = 3000
_FIELD: Final = 2000
_FOOT: Final = 1000
_FIELDS: Final = 10
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SIGNS: Final = {
    AlertSeverity.INFO: "",
    AlertSeverity.WARNING: "⚠ ",
    AlertSeverity.ERROR: "❗ ",
    AlertSeverity.CRITICAL: "🛑 ",
}


def payload(message: Message) -> Mapping[str, Any]:
    """The document to post; `text` is what a notification shows."""
    headline = _SIGNS[message.severity] + message.headline
    blocks: list[Mapping[str, Any]] = [{"type": "header", "text": _plain(headline, _HEADER)}]
    if message.body:
        blocks.append({"type": "section", "text": _plain(message.body, _TEXT)})
    fields = [_plain(f"{name}\n{value}", _FIELD) for name, value in message.facts]
    blocks.extend({"type": "section", "fields": fields[at : at + _FIELDS]} for at in range(0, len(fields), _FIELDS))
    blocks.append({"type": "context", "elements": [_plain(message.foot, _FOOT)]})
    return {"text": fitted(headline, _TEXT, _escaped), "blocks": blocks}


def answered(answer: Answer) -> Delivery:
    """What Slack's answer means: ``ok``, or an error in one word such as ``no_service``."""
    return delivery(answer)


def _plain(text: str, limit: int) -> Mapping[str, Any]:
    return {"type": "plain_text", "text": fitted(text, limit, _escaped), "emoji": False}


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
