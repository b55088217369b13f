"""Alerts as tests write them, and texts of every kind that may get into one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.notifications.message import Message, composed
from tickledger.notifications.waiting import Losses, Waiting

NOON = datetime(2026, 3, 2, 14, 2, 11, tzinfo=UTC)

#: What people, brokers and attackers put into texts: markup of every channel, characters that are two units, halves of
#: such, controls, other directions.
AWKWARD = "&<>\"'`*_~|\\[]()#@:!-.\n\r\t\x00\x1b\u202e\u2028\ud83d\U0001f6d1éß漢\u0301"
texts = st.text(st.one_of(st.sampled_from(AWKWARD), st.characters()), max_size=300)
#: Most of these are longer than some channel takes.
long_texts = st.builds(lambda text, times: text * times, texts, st.sampled_from([1, 1, 40, 400]))


def alert(kind: str = "session", key: str = "", *, at: float = 0, **facts: Any) -> Alert:
    """An alert of a kind, `at` seconds after noon in New York; `facts` may set any of its parts."""
    parts: dict[str, Any] = {
        "kind": AlertKind(kind),
        "severity": AlertSeverity.CRITICAL if kind == "kill_switch" else AlertSeverity.INFO,
        "title": f"{kind} {key}".strip(),
        "body": "",
        "occurred_at": NOON + timedelta(seconds=at),
        "account_id": "U1",
        "mode": Mode.PAPER,
        "dedup_key": key,
    }
    return Alert(**(parts | facts))


def fill(symbol: str, *, at: float = 0, **facts: Any) -> Alert:
    """A fill of 100 shares."""
    return alert("fill", at=at, **({"title": f"BUY 100 {symbol} at 10", "facts": {"symbol": symbol}} | facts))


def message(*alerts: Alert, losses: Losses = Losses()) -> Message:  # noqa: B008  an immutable value
    """The message of `alerts`."""
    return composed([Waiting(one) for one in alerts], losses)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    """Any alert, however strange its texts."""
    return Alert(
        kind=draw(st.sampled_from(AlertKind)),
        severity=draw(st.sampled_from(AlertSeverity)),
        title=draw(texts),
        body=draw(long_texts),
        occurred_at=draw(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
        account_id=draw(st.none() | texts),
        mode=draw(st.sampled_from(Mode)),
        facts=draw(st.dictionaries(texts, long_texts, max_size=30)),
    )


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message: of one alert or of several alike, of repeats, with losses to tell."""
    first = draw(alerts())
    repeats = draw(st.integers(0, 3))
    waiting = [Waiting(first, 1 + repeats, repeats, first.occurred_at)] * draw(st.sampled_from([1, 1, 2, 40]))
    dropped = draw(st.dictionaries(st.sampled_from([str(kind) for kind in AlertKind]), st.integers(1, 10**9)))
    return composed(waiting, Losses(dropped, draw(st.integers(0, 10**9))))
