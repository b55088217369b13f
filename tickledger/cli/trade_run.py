"""What ``tickledger trade`` does: print the terms, trade, say how it goes, and print what came of it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from tickledger.cli.columns import aligned
from tickledger.cli.console import err, out
from tickledger.cli.live_consent import print_terms, require_consent
from tickledger.db.connect import open_ledger
from tickledger.domain.errors import ConfigurationError, TickledgerError
from tickledger.settings import Settings

if TYPE_CHECKING:
    from resources.session_tally import SessionSummary

_NEW_YORK: Final = ZoneInfo("America/New_York")
_TOLD_EVERY: Final = 5.0


def trade(settings: Settings, *, until: str | None, standby: bool, as_json: bool) -> None:
    """One session of the account that the settings name; Ctrl-C and SIGTERM end it in good order."""
    from resources.interrupts import cancelling_interrupts
    from resources.trading_desk import SessionRequest, TradingDesk

    with open_ledger(settings) as connections:
        desk = TradingDesk(settings, connections.ledger_url)
        terms = desk.terms()
        print_terms(terms)
        market_now = desk.market_now()
        request = SessionRequest(until=_until(until, market_now), waits_for_lease=standby)
        require_consent(terms)
        progress = _Progress()
        try:
            with cancelling_interrupts():
                desk.run(request, on_summary=progress, summary_every=_TOLD_EVERY)
        except KeyboardInterrupt:
            err.print("ended: nothing new is decided; what the account holds and what works at the broker stays")
        except TickledgerError:
            _print(progress.last, as_json=as_json)
            raise
        _print(progress.last, as_json=as_json)


@dataclass(slots=True)
class _Progress:
    """Prints how the session goes; a line that would say the same again is left out."""

    last: "SessionSummary | None" = None
    _told: str = field(default="")

    def __call__(self, summary: "SessionSummary") -> None:
        self.last = summary
        told = _line(summary)
        if told != self._told:
            self._told = told
            err.print(told, markup=False)


def _line(summary: "SessionSummary") -> str:
    at = "" if summary.market_at is None else f"{summary.market_at.astimezone(_NEW_YORK):%H:%M} "
    counts = ", ".join(f"{getattr(summary, name)} {name}" for name in ("bars", "signals", "refused", "orders", "fills"))
    equity = "" if summary.equity is None else f", equity {summary.equity:,.2f}"
    problems = f", {summary.problems} problems" if summary.problems else ""
    reason = f" ({summary.reason})" if summary.reason else ""
    return f"{at}{summary.state}{reason}: {counts}{equity}{problems}"


def _until(text: str | None, market_now: datetime) -> datetime | None:
    """The instant that the option names; raises ConfigurationError where it names none, or one that is past."""
    if text is None:
        return None
    until = _instant(text, market_now.astimezone(_NEW_YORK).date())
    if until <= market_now:
        raise ConfigurationError(
            f"--until: expected an instant after the market's time, {market_now:%Y-%m-%d %H:%M:%S} UTC, found "
            f"{until:%Y-%m-%d %H:%M:%S} UTC"
        )
    return until


def _instant(text: str, day: date) -> datetime:
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text):
            return datetime.combine(day, time.fromisoformat(text.zfill(5)), _NEW_YORK).astimezone(UTC)
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = datetime.min  # noqa: DTZ901  as good as one without an offset
    if instant.tzinfo is None:
        raise ConfigurationError(f"--until: expected HH:MM in New York or an instant with its offset, found {text!r}")
    return instant.astimezone(UTC)


def _print(summary: "SessionSummary | None", *, as_json: bool) -> None:
    if as_json:
        out.print_json(data=None if summary is None else _plain(asdict(summary)), ensure_ascii=False)
    elif summary is not None:
        rows = [
            ("session", "as it ended"),
            *((name.replace("_", " "), _shown(value)) for name, value in asdict(summary).items()),
        ]
        out.print(aligned(rows))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | None) else _shown(value) for name, value in values.items()}


def _shown(value: object) -> str:
    match value:
        case None:
            return "–"
        case datetime():
            return value.isoformat()
        case StrEnum():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
