"""The market of ``tickledger gateway``, from its files: the tape, the names of its symbols, and where it begins."""

import csv
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tickledger.cli.problems import tell
from tickledger.domain.errors import ConfigurationError, InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from tickledger.bars.sources import Loaded
    from tickledger.exchange.venue_tape import MarketTape
    from tickledger.gateway.listings import SecurityName

_QUOTE_COLUMNS: Final = ("symbol", "timestamp", "bid", "ask", "bid_size", "ask_size")


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
    quoted = None if quotes is None else read_quotes(quotes)
    return MarketTape.from_bars(loaded, quotes=quoted, corporate_actions=actions, seed=seed)


def _good(loaded: "Loaded") -> "pd.DataFrame":
    tell([reject.problem for reject in loaded.rejects], elsewhere="of the same file")
    return loaded.frame


def read_quotes(path: Path) -> "pd.DataFrame":
    """Quotes in the columns `symbol, timestamp, bid, ask, bid_size, ask_size`; raises InputError for any bad row."""
    import pandas as pd

    from tickledger.bars.cells import instants, numbers, texts
    from tickledger.bars.tables import read_table

    table = read_table(path, required=_QUOTE_COLUMNS)
    frame = pd.DataFrame(
        {"symbol": texts(table.columns["symbol"]), "timestamp": instants(table.columns["timestamp"])}
        | {name: numbers(table.columns[name]) for name in _QUOTE_COLUMNS[2:]}
    )
    rules = {
        "symbol": (frame["symbol"] == "", "a symbol"),
        "timestamp": (frame["timestamp"].isna(), "an instant"),
        "bid": (~(frame["bid"] > 0), "a price above 0"),
        "ask": (~(frame["ask"] >= frame["bid"]), "a price not below the bid"),
        "bid_size": (~(frame["bid_size"] >= 0), "shares, not negative"),
        "ask_size": (~(frame["ask_size"] >= 0), "shares, not negative"),
    }
    problems = [
        Problem(str(path), expected, table.record(place).get(column, ""), row=int(table.rows[place]), column=column)
        for column, (is_bad, expected) in rules.items()
        for place in is_bad.to_numpy().nonzero()[0].tolist()
    ]
    if problems or table.rejects:
        raise InputError([*(reject.problem for reject in table.rejects), *problems])
    return frame


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
    """Where the market begins: at `start`, or in the last session of the tape; raises ConfigurationError.

    A date is that session's open; where time stands, the middle of it.
    """
    from tickledger.bars.calendars import is_session, session_close, session_open, why_closed

    if start is not None and (start.tzinfo is not None or start.time() != time()):
        return start.replace(tzinfo=start.tzinfo or UTC).astimezone(UTC)
    days = [day for symbol in tape.symbols if (day := tape.last_day(symbol)) is not None]
    day = max(days) if start is None else start.date()
    if not is_session(day):
        raise ConfigurationError(f"--start: expected a session of the NYSE, found {why_closed(day)}")
    opens, closes = session_open(day), session_close(day)
    return opens + (closes - opens) / 2 if stands else opens
