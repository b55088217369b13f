"""Hypothesis strategies that several tests share."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from tests.trading import actions, market
from tickledger.bars.calendars import sessions
from tickledger.domain.order import TimeInForce
from tickledger.strategies.sizing import SizingPolicy

_SYMBOLS = ("A", "B", "C")
#: What they may turn into; it trades every session, so that what is received of it has a price.
_SUCCESSOR = "N"
_START = "2011-12-20"


@dataclass(frozen=True)
class Scenario:
    """A market, what happens to its companies, opinions on it, and the account's terms."""

    bars: pd.DataFrame
    corporate_actions: pd.DataFrame
    signals: list[str]
    settings: dict[str, Any]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Up to twenty sessions over the turn of a year, of up to three symbols, with gaps and corporate actions."""
    symbols = _SYMBOLS[: draw(st.integers(1, 3))]
    length = draw(st.integers(3, 20))
    days = [day.isoformat() for day in sessions(pd.Timestamp(_START).date(), pd.Timestamp("2012-02-15").date())]
    days = days[:length]
    price = st.integers(500, 30_000).map(lambda cents: str(Decimal(cents).scaleb(-2)))
    prices = st.one_of(st.tuples(price, price).map(" ".join), st.tuples(price, price).map(" ".join), st.none())
    cells = {symbol: draw(st.lists(prices, min_size=length, max_size=length)) for symbol in symbols}
    cells[_SUCCESSOR] = ["40.00 40.00"] * length
    # A session of the last day keeps every scenario as long as it was meant to be.
    cells[symbols[0]][0] = cells[symbols[0]][0] or "100.00 100.00"
    cells[symbols[0]][-1] = cells[symbols[0]][-1] or "100.00 100.00"
    opinions = st.sampled_from(["BUY", "BUY", "BUY", "HOLD", "SELL", "CLOSE_LONG", None])
    said = {(symbol, day): draw(opinions) for symbol in symbols for day in days}
    events = draw(st.lists(_actions(symbols, days), max_size=4, unique_by=lambda row: (row["symbol"], row["ex_date"])))
    return Scenario(
        bars=market(_START, cells, volume=draw(st.sampled_from([500, 1_000_000]))),
        corporate_actions=actions(*events),
        signals=[f"{kind} {symbol} {day}" for (symbol, day), kind in said.items() if kind is not None],
        settings=draw(_settings()),
    )


def _actions(symbols: tuple[str, ...], days: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    where = {"symbol": st.sampled_from(symbols), "ex_date": st.sampled_from(days)}
    split = {"kind": st.just("split"), "ratio": st.sampled_from([2.0, 1.5, 0.5, 1 / 3])}
    in_lieu = {**split, "cash_in_lieu": st.just(12.34)}
    dividend = {"kind": st.just("dividend"), "amount": st.sampled_from([0.01, 0.375, 2.65])}
    capital = {"kind": st.just("return_of_capital"), "amount": st.just(1.25)}
    received = {"new_symbol": st.just(_SUCCESSOR), "ratio": st.sampled_from([2.0, 0.1, 1 / 3])}
    spinoff = {"kind": st.just("spinoff"), **received, "fmv_old": st.just(30.0), "fmv_new": st.just(40.0)}
    merger = {"kind": st.just("merger"), **received}
    renamed = {"kind": st.just("ticker_change"), "new_symbol": st.just(_SUCCESSOR)}
    ended = {"kind": st.just("delisting"), "amount": st.sampled_from([None, 0.5])}
    kinds = (split, in_lieu, dividend, capital, spinoff, merger, renamed, ended)
    return st.one_of(*(st.fixed_dictionaries({**where, **kind}) for kind in kinds))


@st.composite
def _settings(draw: st.DrawFn) -> dict[str, Any]:
    policy = SizingPolicy(
        target_weight=Decimal(draw(st.sampled_from(["0.18", "0.5", "1.0"]))),
        minimum_notional=Decimal(draw(st.sampled_from([0, 500]))),
        rebalance_band=Decimal(draw(st.sampled_from(["0", "0.25"]))),
        time_in_force=draw(st.sampled_from([TimeInForce.DAY, TimeInForce.GTC, TimeInForce.OPG])),
    )
    return {
        "sizing": policy,
        "slippage_bps": Decimal(draw(st.sampled_from([0, 5, 200]))),
        "fees": draw(st.sampled_from(["none", "per_order:1", "ib_fixed", "ib_tiered"])),
        "max_participation": draw(st.sampled_from([None, Decimal("0.05"), Decimal("0.5")])),
    }
