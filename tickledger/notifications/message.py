"""One message to a person, of one alert or of several alike, before any channel's markup and limits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.notifications.text import one_line, printable, shortened, without_secrets
from tickledger.notifications.waiting import Losses, Waiting

#: What a telephone shows of a notification without being opened.
HEADLINE_LIMIT: Final = 70
#: The lines of a message that stands for more alerts than this name the latest ones only.
LISTED_ALERTS: Final = 20

_NAME_LIMIT: Final = 100
_VALUE_LIMIT: Final = 500
_FACTS: Final = 20
# No service takes an empty name or value.
_NOTHING: Final = "–"
_BODY_LIMIT: Final = 8_000
# Looking for secrets takes time in proportion to the text, during which no other thread runs.
_BODY_SEARCHED: Final = 10_000
_LINE_SEARCHED: Final = 2_000
_EXCHANGE: Final = ZoneInfo("America/New_York")

_PLURALS: Final = {
    AlertKind.FILL: "fills",
    AlertKind.REJECT: "rejects",
    AlertKind.RISK_STOP: "risk stops",
    AlertKind.STALE_DATA: "symbols stale",
    AlertKind.RECONCILIATION_BREAK: "reconciliation breaks",
    AlertKind.RUN_FAILURE: "failed runs",
    AlertKind.KILL_SWITCH: "kill switch events",
    AlertKind.SESSION: "session events",
    AlertKind.DATABASE_DOWN: "database outages",
    AlertKind.BROKER_DOWN: "broker outages",
    AlertKind.READINESS: "readiness checks",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. All texts are printable and without secrets; `headline` is one line of ≤ 70 units.

    The headline begins with the mode, so that nobody takes a simulated fill for a real one. `notes` tell of alerts
    that were held back, dropped or not delivered.
    """

    kind: AlertKind
    severity: AlertSeverity
    mode: Mode
    account_id: str | None
    occurred_at: datetime
    headline: str
    body: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def when(self) -> str:
        """The instant in the exchange's time and in UTC."""
        local = self.occurred_at.astimezone(_EXCHANGE)
        return f"{local:%Y-%m-%d %H:%M:%S} New York ({self.occurred_at:%H:%M:%S} UTC)"

    @property
    def where(self) -> str:
        """Mode, account and urgency in one line."""
        account = f"account {shortened(self.account_id, _NAME_LIMIT)}" if self.account_id else "all accounts"
        return f"{self.mode.upper()} · {account} · {self.severity}"

    @property
    def foot(self) -> str:
        """When and where, which a cut must never reach, and then the notes."""
        return "\n".join((self.when, self.where, *self.notes))


def composed(waiting: Sequence[Waiting], losses: Losses = Losses()) -> Message:  # noqa: B008  an immutable value
    """The message of one alert, or of several of one kind, mode and account; `waiting` is in order of time."""
    alerts = [item.alert for item in waiting]
    latest = alerts[-1]
    is_one = len(alerts) == 1
    return Message(
        kind=latest.kind,
        severity=max((alert.severity for alert in alerts), key=lambda severity: severity.rank),
        mode=latest.mode,
        account_id=None if latest.account_id is None else _safe_line(latest.account_id),
        occurred_at=latest.occurred_at,
        headline=_headline(latest.mode, latest.title if is_one else _title_of_many(alerts)),
        body=_safe_text(latest.body) if is_one else _body_of_many(alerts),
        facts=_facts(latest) if is_one else (),
        notes=(*_repeats(waiting), *_lost(losses)),
    )


def plain_text(message: Message) -> str:
    """The whole message without any markup."""
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts)
    return "\n\n".join(part for part in (message.headline, message.body, facts, message.foot) if part)


def _headline(mode: Mode, title: str) -> str:
    return shortened(f"{mode.upper()} · {_safe_line(title) or 'alert without a title'}", HEADLINE_LIMIT)


def _title_of_many(alerts: Sequence[Alert]) -> str:
    symbols = Counter(symbol for alert in alerts if (symbol := alert.facts.get("symbol")))
    named = ", ".join(symbol if count == 1 else f"{symbol} ({count})" for symbol, count in symbols.most_common())
    return f"{len(alerts):,} {_PLURALS[alerts[-1].kind]}" + (f": {named}" if named else "")


def _body_of_many(alerts: Sequence[Alert]) -> str:
    listed = alerts[-LISTED_ALERTS:]
    lines = [f"{alert.occurred_at.astimezone(_EXCHANGE):%H:%M:%S} {_safe_line(alert.title)}" for alert in listed]
    earlier = len(alerts) - len(listed)
    return "\n".join([f"{earlier:,} earlier ones, then:"] * (earlier > 0) + lines)


def _facts(alert: Alert) -> tuple[tuple[str, str], ...]:
    # Name and value are looked at together: ``password: x`` is a secret by its name.
    lines = (_safe_line(f"{name}: {value}").partition(":") for name, value in list(alert.facts.items())[:_FACTS])
    return tuple(
        (shortened(name.strip(), _NAME_LIMIT) or _NOTHING, shortened(value.strip(), _VALUE_LIMIT) or _NOTHING)
        for name, _, value in lines
    )


def _repeats(waiting: Sequence[Waiting]) -> list[str]:
    held_back = [(item.repeats, item.since) for item in waiting if item.since is not None and item.repeats]
    if not held_back:
        return []
    number, since = sum(repeats for repeats, _ in held_back), min(since for _, since in held_back)
    return [f"{number:,} more like {'it' if len(waiting) == 1 else 'these'} since {since:%H:%M} UTC"]


def _lost(losses: Losses) -> list[str]:
    dropped = [f"{count:,} {_PLURALS[AlertKind(kind)]}" for kind, count in losses.dropped.items()]
    told = [f"Left out because too much happened at once: {', '.join(dropped)}"] if dropped else []
    if losses.undelivered:
        told.append(f"Could not be delivered here before: {losses.undelivered:,} alerts")
    return told


def _safe_line(text: str) -> str:
    return without_secrets(one_line(_beginning(text, _LINE_SEARCHED)))


def _safe_text(text: str) -> str:
    return shortened(without_secrets(printable(_beginning(text, _BODY_SEARCHED))).strip(), _BODY_LIMIT)


def _beginning(text: str, length: int) -> str:
    """At most `length` characters of `text`, cut between words: half a secret could not be known for one."""
    if len(text) <= length:
        return text
    end = max(text.rfind(space, 0, length) for space in " \t\n") + 1
    return text[:end] or f"({len(text):,} characters without a space are not shown)"
