"""A message as a JSON document of our own, for a program that is no chat: every part by its name."""

from collections.abc import Mapping
from typing import Any, Final

from tickledger.notifications.channel import Delivery, Pace
from tickledger.notifications.message import Message
from tickledger.notifications.posting import Answer, delivery

PACE: Final = Pace(per_minute=60, burst=10)


def payload(message: Message) -> Mapping[str, Any]:
    """The document to post; `docs/alerts.md` has its fields."""
    return {
        "kind": message.kind.value,
        "severity": message.severity.value,
        "mode": message.mode.value,
        "account_id": message.account_id,
        "occurred_at": message.occurred_at.isoformat(),
        "title": message.headline,
        "body": message.body,
        "facts": dict(message.facts),
        "notes": list(message.notes),
    }


def answered(answer: Answer) -> Delivery:
    """Any success is one."""
    return delivery(answer)
