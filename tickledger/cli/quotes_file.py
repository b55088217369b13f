"""Recorded quotes from a file: one quote a row, or the open, high, low and close of bid and ask of each minute."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tickledger.domain.errors import Problem

if TYPE_CHECKING:
    import pandas as pd

    from tickledger.bars.tables import Table

_SIZES: Final = ("bid_size", "ask_size")
_QUOTE: Final = ("bid", "ask")
_MINUTE: Final = tuple(f"{side}_{name}" for side in _QUOTE for name in ("open", "high", "low", "close"))
#: When in its minute each of the four quotes of a row comes, in seconds; the close stands until the next minute.
_SECONDS: Final = {"open": 0, "first": 20, "second": 40, "close": 59}


def read_quotes(path: Path) -> tuple["pd.DataFrame", list[Problem]]:
    """Quotes as `symbol, timestamp, bid, ask, bid_size, ask_size`, and what is wrong with the rows that were left out.

    A file with `bid_open` … `ask_close` has a row a minute, stamped with its start: four quotes are made of it, at its
    open, its extremes and its close. Raises InputError for a file that cannot be used at all.
    """
    from tickledger.bars.tables import read_table

    required = ("symbol", "timestamp")
    prices = _MINUTE if "bid_open" in read_table(path, required=required).columns else _QUOTE
    table = read_table(path, required=(*required, *prices, *_SIZES))
    frame = _frame(table, prices)
    problems, is_bad = _problems(table, frame, prices)
    good = frame[~is_bad]
    return (_of_minutes(good) if prices is _MINUTE else good), [
        *(reject.problem for reject in table.rejects),
        *problems,
    ]


def _frame(table: "Table", prices: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    from tickledger.bars.cells import instants, numbers, texts

    return pd.DataFrame(
        {"symbol": texts(table.columns["symbol"]), "timestamp": instants(table.columns["timestamp"])}
        | {name: numbers(table.columns[name]) for name in (*prices, *_SIZES)}
    )


def _problems(table: "Table", frame: "pd.DataFrame", prices: Sequence[str]) -> tuple[list[Problem], "pd.Series[bool]"]:
    """What is wrong, the first thing of each row, and which rows are bad."""
    is_bad = frame["symbol"].isna() & False
    problems = []
    for column, (breaks, expected) in _rules(frame, prices).items():
        for place in (breaks & ~is_bad).to_numpy().nonzero()[0].tolist():
            found = table.record(place).get(column, "") or "nothing"
            problems.append(Problem(table.where, expected, found, row=int(table.rows[place]), column=column))
        is_bad |= breaks
    return sorted(problems, key=lambda problem: problem.row or 0), is_bad


def _rules(frame: "pd.DataFrame", prices: Sequence[str]) -> Mapping[str, tuple["pd.Series[bool]", str]]:
    infinite = float("inf")
    rules = {
        "symbol": (frame["symbol"].isna() | (frame["symbol"] == ""), "a symbol"),
        "timestamp": (frame["timestamp"].isna(), "an instant"),
    }
    rules |= {name: (~((frame[name] > 0) & (frame[name] < infinite)), "a price above 0") for name in prices}
    for ask in (name for name in prices if name in {"ask", "ask_open", "ask_close"}):
        bid = ask.replace("ask", "bid")
        is_crossed = ~(frame[ask] >= frame[bid])
        rules[ask] = (rules[ask][0] | is_crossed, f"a price above 0 and not below {bid}")
    rules |= {name: (~((frame[name] >= 0) & (frame[name] < infinite)), "shares, not negative") for name in _SIZES}
    return rules


def _of_minutes(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Four quotes of each minute: first the extreme that a minute which rose or fell as it did comes to first."""
    import pandas as pd

    rises = frame["bid_close"] + frame["ask_close"] >= frame["bid_open"] + frame["ask_open"]
    # Highs and lows of the two sides need not be of the same moment; a quote that would be crossed is one price.
    low = frame["bid_low"], frame["ask_low"].clip(lower=frame["bid_low"])
    high = frame["bid_high"].clip(upper=frame["ask_high"]), frame["ask_high"]
    sides: Mapping[str, Sequence[pd.Series[float]]] = {
        "open": (frame["bid_open"], frame["ask_open"]),
        "first": [below.where(rises, above) for below, above in zip(low, high, strict=True)],
        "second": [above.where(rises, below) for below, above in zip(low, high, strict=True)],
        "close": (frame["bid_close"], frame["ask_close"]),
    }
    told = [
        frame[["symbol", *_SIZES]].assign(
            timestamp=frame["timestamp"] + pd.Timedelta(seconds=seconds), bid=sides[name][0], ask=sides[name][1]
        )
        for name, seconds in _SECONDS.items()
    ]
    return pd.concat(told, ignore_index=True)[["symbol", "timestamp", *_QUOTE, *_SIZES]]
