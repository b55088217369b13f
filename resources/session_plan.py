"""What a session needs to know before it begins: symbols, the day, volumes, risk, and how it trades."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import pandas as pd
from sqlalchemy import Engine

from resources.session_account import session_before, session_limits
from tickledger.bars.corporate_actions import domain_actions
from tickledger.bars.sample import SAMPLE_SYMBOLS
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.market_data import read_bars
from tickledger.db.symbols import read_sectors, read_symbols, upsert_symbols
from tickledger.domain.errors import ConfigurationError
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
    """One session as its settings and the record have it. `daily` are the bars of the weeks before, raw."""

    session_date: date
    symbols: tuple[str, ...]
    day: MarketDay
    sectors: Mapping[str, str]
    daily: pd.DataFrame

    def average_daily_volumes(self) -> dict[str, Decimal]:
        """The mean of the last 21 sessions' shares, by symbol."""
        newest = self.daily.groupby("symbol")["volume"].apply(lambda volumes: volumes.tail(_VOLUME_SESSIONS).mean())
        return {str(symbol): Decimal(int(volume)) for symbol, volume in newest.items()}


def session_plan(engine: Engine, settings: Settings, session_date: date) -> SessionPlan:
    """The plan of a session; raises ConfigurationError where there is nothing to trade, or more than lines for it."""
    symbols = symbols_of(engine, settings)
    before = session_before(session_date) or session_date
    daily = read_bars(engine, start=before - _VOLUME_DAYS, end=before, symbols=symbols)
    actions = domain_actions(read_corporate_actions(engine))
    effective = tuple(action for action in actions if before < action.ex_date <= session_date)
    last_bars = bars_by_session(daily).get(before, {})
    day = MarketDay(session_date, effective, tuple(last_bars[symbol] for symbol in sorted(last_bars)))
    return SessionPlan(session_date, symbols, day, _known(read_sectors(engine)), daily)


def symbols_of(engine: Engine, settings: Settings) -> tuple[str, ...]:
    """What is traded; raises ConfigurationError where there is nothing, or more than the account has lines for."""
    _ensure_symbols(engine)
    wanted = tuple(sorted({name.strip().upper() for name in settings.symbols.split(",")} - {""}))
    symbols = wanted or tuple(sorted(read_symbols(engine)["symbol"]))
    most = settings.ib_market_lines // _LINES_OF_A_SYMBOL
    if not 0 < len(symbols) <= most:
        raise ConfigurationError(
            f"TICKLEDGER_SYMBOLS: expected 1 to {most} symbols, each with a line for its quotes and one for its bars "
            f"(TICKLEDGER_IB_MARKET_LINES), found {len(symbols)}"
        )
    return symbols


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
