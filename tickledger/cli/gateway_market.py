"""The market of ``tickledger gateway``, from its files: the tape, the names of its symbols, and where it begins."""

import csv
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tickledger.cli.problems import tell
from tickledger.cli.quotes_file import read_quotes
from tickledger.domain.errors import ConfigurationError, InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from tickledger.bars.sources import Loaded
    from tickledger.exchange.venue_tape import MarketTape
    from tickledger.gateway.listings import SecurityName

_MINUTE: Final = timedelta(minutes=1)


def read_market(bars: Path | None, quotes: Path | None, corporate_actions: Path | None, *, seed: int) -> "MarketTape":
    """The tape of the files, or of the bundled sample where no bars are given.

    Rows that cannot be used are told and left out. Raises InputError for a file that cannot be used at all.
    """
    from tickledger.bars.corporate_actions import domain_actions
    from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
    from tickledger.bars.sources import load_bars, load_corporate_actions
    from tickledger.exchange.venue_tape import MarketTape

    loaded = _good(load_bars(bars or SAMPLE_BARS))
    if loaded.empty:
        raise InputError([Problem(str(bars), expected="at least one good bar", found="none")])
    actions_file = corporate_actions or (SAMPLE_CORPORATE_ACTIONS if bars is None else None)
    actions = domain_actions(_good(load_corporate_actions(actions_file))) if actions_file else []
    quoted = None if quotes is None else _quotes(quotes)
    return MarketTape.from_bars(loaded, quotes=quoted, corporate_actions=actions, seed=seed)


def _good(loaded: "Loaded") -> "pd.DataFrame":
    tell([reject.problem for reject in loaded.rejects], elsewhere="of the same file")
    return loaded.frame


def _quotes(path: Path) -> "pd.DataFrame":
    quotes, problems = read_quotes(path)
    tell(problems, elsewhere="of the same file")
    return quotes


def sample_names() -> Mapping[str, "SecurityName"]:
    """What is known of the bundled sample's symbols."""
    from tickledger.bars.sample import SAMPLE_SYMBOLS
    from tickledger.gateway.listings import SecurityName

    with SAMPLE_SYMBOLS.open(encoding="utf-8", newline="") as file:
        return {
            row["symbol"]: SecurityName(
                long_name=row["company_name"].upper(),
                exchange=row["exchange"],
                industry=row["sector"],
                category=row["industry"],
            )
            for row in csv.DictReader(file)
        }


def market_start(tape: "MarketTape", start: datetime | None, *, stands: bool) -> datetime:
    """Where the market begins: at `start`, or in the last session of the tape that has bars; raises ConfigurationError.

    A date is that session's open. Where time stands it is the middle of the session, or, where nothing has traded by
    then, the end of its first minute. Raises InputError where no session has bars.
    """
    from tickledger.bars.calendars import is_session, session_close, session_open, why_closed

    if start is not None and (start.tzinfo is not None or start.time() != time()):
        return start.replace(tzinfo=start.tzinfo or UTC).astimezone(UTC)
    day = _last_session(tape) if start is None else start.date()
    if not is_session(day):
        raise ConfigurationError(f"--start: expected a session of the NYSE, found {why_closed(day)}")
    opens, closes = session_open(day), session_close(day)
    return _standing_at(tape, day, opens + (closes - opens) / 2) if stands else opens


def _last_session(tape: "MarketTape") -> date:
    """The last session on which a symbol has bars; later bars, on days the exchange was closed, are told."""
    from tickledger.bars.calendars import sessions, why_closed

    lasts = [day for symbol in tape.symbols if (day := tape.last_day(symbol)) is not None]
    first, last = tape.first_day or max(lasts), max(lasts)
    ahead = reversed(sessions(first, last))
    found = next((day for day in ahead if any(tape.minutes_of(symbol, day) for symbol in tape.symbols)), None)
    if found is None:
        told = f"{first} to {last}, the last of them {why_closed(last) or 'outside trading hours'}"
        raise InputError([Problem("the bars", expected="a bar of a session of the NYSE", found=told)])
    if found < last:
        late = f"bars of {why_closed(last) or last}; the last session with bars is {found}"
        tell([Problem("the bars", "bars of the NYSE's sessions", late, severity="warning")], elsewhere="")
    return found


def _standing_at(tape: "MarketTape", day: date, middle: datetime) -> datetime:
    """The middle of a session, or the end of its first minute where that comes later."""
    firsts = []
    for symbol in tape.symbols:
        first = next((minute.starts_at for minute in tape.minutes_of(symbol, day) if minute.is_regular), None)
        if first is not None and first < middle:
            return middle
        firsts += [] if first is None else [first]
    return min(firsts) + _MINUTE if firsts else middle
