"""A message as Discord's webhooks take it: one embed, in which nothing is markup and nobody is mentioned.

Limits by Discord's reference: title 256, description 4,096, 25 fields with names of 256 and values of 1,024, footer
2,048, and 6,000 over all of them.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from tickledger.domain.alert import AlertSeverity
from tickledger.notifications.channel import Delivery, Pace
from tickledger.notifications.message import Message
from tickledger.notifications.posting import Answer, delivery, seconds
from tickledger.notifications.text import fitted, units

#: Thirty messages a minute and webhook; less than half, since there are two lanes.
PACE: Final = Pace(per_minute=12, burst=4)

_TITLE: Final = 256
_DESCRIPTION: Final = 3000
_FOOTER: Final = 1000
_NAME: Final = 200
_VALUE: Final = 1000
_FIELDS: Final = 25
_TOTAL: Final = 6000
_TOO_MANY: Final = 429
_MARKUP: Final = re.compile(r"([\\`*_~|<>#\[\]])")
_COLOURS: Final = {
    AlertSeverity.INFO: 0x2F81F7,
    AlertSeverity.WARNING: 0xD29922,
    AlertSeverity.ERROR: 0xDB6D28,
    AlertSeverity.CRITICAL: 0xDA3633,
}


def payload(message: Message) -> Mapping[str, Any]:
    """The document to post."""
    title = fitted(message.headline, _TITLE, _escaped)
    footer = fitted(message.foot, _FOOTER)
    description = fitted(message.body, _DESCRIPTION, _escaped)
    fields = _fields(message, _TOTAL - units(title) - units(footer) - units(description))
    embed = {
        "title": title,
        "color": _COLOURS[message.severity],
        "footer": {"text": footer},
        "timestamp": message.occurred_at.isoformat(),
    }
    embed |= {"description": description} if description else {}
    return {"embeds": [embed | ({"fields": fields} if fields else {})], "allowed_mentions": {"parse": []}}


def answered(answer: Answer) -> Delivery:
    """What Discord's answer means.

    Its 429 says in the document how long to wait, and its success says in headers when the webhook has had enough:
    waiting then keeps the next message from being refused.
    """
    headers = answer.headers
    wait = seconds(headers.get("x-ratelimit-reset-after")) if headers.get("x-ratelimit-remaining") == "0" else None
    if answer.status == _TOO_MANY:
        wait = seconds(answer.document.get("retry_after"))
    return delivery(answer, told=str(answer.document.get("message", "")), wait_seconds=wait or 0.0)


def _fields(message: Message, room: int) -> list[Mapping[str, Any]]:
    fields: list[Mapping[str, Any]] = []
    for name, value in message.facts[:_FIELDS]:
        field = {"name": fitted(name, _NAME, _escaped), "value": fitted(value, _VALUE, _escaped), "inline": True}
        room -= units(str(field["name"])) + units(str(field["value"]))
        if room < 0:
            break
        fields.append(field)
    return fields


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
