"""What a session needs to know before it begins: symbols, the day, volumes, risk, and how it trades."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from math import prod
from typing import Final

import pandas as pd
from sqlalchemy import Engine

from resources.session_account import session_before, session_limits
from tickledger.bars.corporate_actions import domain_actions
from tickledger.bars.sample import SAMPLE_SYMBOLS
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.market_data import read_bars
from tickledger.db.symbols import read_sectors, read_symbols, upsert_symbols
from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import ENDINGS, CorporateAction, CorporateActionKind, in_order
from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.exchange.corporate_actions import price_after
from tickledger.execution.live_market import MarketDay
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.tape import bars_by_session
from tickledger.settings import Settings

#: Quotes of a symbol take a line of the account, and its bars another one.
_LINES_OF_A_SYMBOL: Final = 2
_VOLUME_DAYS: Final = timedelta(days=40)
_VOLUME_SESSIONS: Final = 21


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """One session as its settings and the record have it.

    `daily` are the bars of the weeks before, raw, `corporate_actions` those that took effect since the first of them,
    up to this session's open. `watched` are held and not traded: they have to be valued. `ended` are symbols that are
    traded no more; `problems` tell of those that were wanted.
    """

    session_date: date
    symbols: tuple[str, ...]
    day: MarketDay
    sectors: Mapping[str, str]
    daily: pd.DataFrame
    corporate_actions: tuple[CorporateAction, ...] = ()
    watched: tuple[str, ...] = ()
    ended: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def average_daily_volumes(self) -> dict[str, Decimal]:
        """The mean of the last 21 sessions' shares, by symbol, as shares of today."""
        days = zip(self.daily["symbol"], self.daily["timestamp"].dt.date, self.daily["volume"], strict=True)
        shares = [self.shares_today(symbol, day, int(volume)) for symbol, day, volume in days]
        by_symbol = pd.Series(shares, dtype=float).groupby(self.daily["symbol"].to_numpy())
        newest = by_symbol.apply(lambda volumes: volumes.tail(_VOLUME_SESSIONS).mean())
        return {str(symbol): Decimal(int(volume)) for symbol, volume in newest.items()}

    def shares_today(self, symbol: str, day: date, shares: int) -> int:
        """What shares of a day before are after the splits since then, rounded down."""
        ratio = prod(
            action.ratio
            for action in self.corporate_actions
            if action.symbol == symbol
            and action.kind is CorporateActionKind.SPLIT
            and action.ratio
            and action.ex_date > day
        )
        return int(shares * ratio)


def session_plan(
    engine: Engine,
    settings: Settings,
    session_date: date,
    *,
    opened_on: date | None = None,
    held: Collection[str] = (),
) -> SessionPlan:
    """The plan of a session of an account that held `held` at its last recorded close, that of `opened_on`.

    Corporate actions of all days since then take effect at its open. A symbol that has ended gives way to the one that
    it has become; what else is held, or made of what is, is watched. Raises ConfigurationError where there is nothing
    to trade, or more than lines for it.
    """
    wanted = symbols_of(engine, settings)
    before = session_before(session_date) or session_date
    since = before - _VOLUME_DAYS
    known = in_order(one for one in domain_actions(read_corporate_actions(engine)) if one.ex_date <= session_date)
    effective = [action for action in known if action.ex_date > min(opened_on or before, before)]
    ended = _ended(engine, known, wanted=(*wanted, *held), until=before)
    received = {one.new_symbol for one in effective if one.new_symbol is not None and one.symbol in held}
    successors = {one.new_symbol for one in ended.values() if one.kind is CorporateActionKind.TICKER_CHANGE}
    symbols = tuple(sorted({*wanted, *filter(None, successors)} - set(ended)))
    _check_lines(symbols, settings)
    daily = read_bars(engine, start=since, end=before, symbols=symbols)
    last_bars = bars_by_session(daily).get(before, {})
    told_today = [bar_today(last_bars[symbol], effective) for symbol in sorted(last_bars)]
    return SessionPlan(
        session_date,
        symbols,
        MarketDay(session_date, tuple(effective), tuple(told_today)),
        _known(read_sectors(engine)),
        daily,
        tuple(action for action in known if action.ex_date > since or action in effective),
        tuple(sorted({*held, *filter(None, received)} - set(symbols) - set(ended))),
        frozenset(ended),
        tuple(_not_traded(ended[symbol]) for symbol in sorted(set(wanted) & set(ended))),
    )


def _ended(
    engine: Engine, known: Iterable[CorporateAction], *, wanted: Collection[str], until: date
) -> dict[str, CorporateAction]:
    """What ended each of these symbols, of those that did not trade again since."""
    endings = {action.symbol: action for action in known if action.kind in ENDINGS and action.symbol in wanted}
    if not endings:
        return {}
    first = min(action.ex_date for action in endings.values())
    bars = read_bars(engine, start=first, end=max(until, first), symbols=tuple(endings))
    traded = bars.groupby("symbol")["timestamp"].max().dt.date.to_dict()
    return {symbol: action for symbol, action in endings.items() if traded.get(symbol, date.min) < action.ex_date}


def _not_traded(action: CorporateAction) -> Problem:
    into = f" into {action.new_symbol}" if action.new_symbol is not None else ""
    found = f"{action.kind}{into} on {action.ex_date}: it is not traded any more"
    return Problem(action.symbol, expected="a symbol that is traded", found=found, severity="warning")


def bar_today(bar: Bar, actions: Iterable[CorporateAction]) -> Bar:
    """A bar of before in terms of today's shares, as far as a price of before says what a share of today is worth."""
    for action in actions:
        if action.symbol == bar.symbol and action.ex_date > bar.session_date:
            bar = replace(
                bar,
                open=price_after(bar.open, action),
                high=price_after(bar.high, action),
                low=price_after(bar.low, action),
                close=price_after(bar.close, action),
            )
    return bar


def symbols_of(engine: Engine, settings: Settings) -> tuple[str, ...]:
    """What is traded; raises ConfigurationError where there is nothing, or more than the account has lines for."""
    _ensure_symbols(engine)
    wanted = tuple(sorted({name.strip().upper() for name in settings.symbols.split(",")} - {""}))
    symbols = wanted or tuple(sorted(read_symbols(engine)["symbol"]))
    _check_lines(symbols, settings)
    return symbols


def _check_lines(symbols: Sequence[str], settings: Settings) -> None:
    most = settings.ib_market_lines // _LINES_OF_A_SYMBOL
    if not 0 < len(symbols) <= most:
        raise ConfigurationError(
            f"TICKLEDGER_SYMBOLS: expected 1 to {most} symbols, each with a line for its quotes and one for its bars "
            f"(TICKLEDGER_IB_MARKET_LINES), found {len(symbols)}"
        )


def _ensure_symbols(engine: Engine) -> None:
    """A ledger that knows no symbol yet gets the bundled sample's, so that a first session has something to trade."""
    if read_symbols(engine).empty:
        upsert_symbols(engine, pd.read_csv(SAMPLE_SYMBOLS))


def _known(sectors: Mapping[str, str]) -> dict[str, str]:
    return {symbol: sector for symbol, sector in sectors.items() if isinstance(sector, str)}


def session_policy(settings: Settings) -> SessionPolicy:
    """How the session trades."""
    is_daily = settings.strategy == "composite"
    minutes = settings.flatten_minutes
    return SessionPolicy(
        quote_limit=timedelta(seconds=settings.quote_age_seconds),
        stop_loss=settings.stop_loss or None,
        flatten_before=timedelta(minutes=minutes) if minutes and not is_daily else None,
        working_time=timedelta(minutes=settings.execution_minutes) if settings.execution_algo != "none" else None,
    )


def terms_of(settings: Settings, account_id: str, symbols: Sequence[str]) -> dict[str, str]:
    """What a person should see before a session trades: account, strategy, limits."""
    policy = session_policy(settings)
    bars = "daily bars" if settings.strategy == "composite" else settings.bar_interval
    ending = "positions are held overnight" if policy.flatten_before is None else f"flat {policy.flatten_before} before"
    return {
        "account": account_id,
        "mode": settings.mode,
        "broker": f"{settings.ib_host}:{settings.ib_port}, client {settings.ib_client_id}",
        "strategy": f"{settings.strategy} on {bars}",
        "symbols": ", ".join(symbols),
        "position": f"{settings.target_weight:.1%} of equity each",
        "stop loss": "none" if policy.stop_loss is None else f"{policy.stop_loss:.1%} below cost",
        "the close": ending,
        "orders": "as they are"
        if policy.working_time is None
        else f"{settings.execution_algo} over {policy.working_time}",
        **{limit.name: f"{limit.value:f}" for limit in session_limits(settings, account_id)},
        "wash sales": settings.wash_sale_policy,
        "buying power": settings.margin_rule,
    }
