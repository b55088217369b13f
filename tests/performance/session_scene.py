"""Where a session is measured: a market of so many symbols behind a gateway, and a ledger that knows the days before.

Prices fall for six minutes and rise for six, each symbol at another time, so that a strategy that buys what has
fallen trades some symbols every minute and not all of them in one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from tests.performance.loopback import GatewayProcess, Scene
from tests.unit.ib.messages import ACCOUNT
from tickledger.bars.calendars import session_open
from tickledger.db.accounts import ensure_account
from tickledger.db.embedded import EmbeddedServer, ensure_databases
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import upgrade
from tickledger.db.session_record import SessionRecorder
from tickledger.db.symbols import upsert_symbols
from tickledger.domain.account import Account, Mode
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.money import exact
from tickledger.exchange.venue_tape import MarketTape
from tickledger.settings import Settings

DAYS: Final = (date(2013, 3, 25), date(2013, 3, 26), date(2013, 3, 27))
TODAY: Final = DAYS[-1]
#: A few seconds before a minute is over, an hour after the open.
AN_HOUR_LATER: Final = datetime(2013, 3, 27, 14, 29, 50, tzinfo=UTC)
_MINUTES: Final = 390
_WAVE: Final = 12
_PRICES: Final = ("open", "high", "low", "close")
_PATIENCE: Final = timedelta(minutes=5)


def minutes(symbols: Sequence[str]) -> pd.DataFrame:
    """The minutes of three sessions."""
    starts = np.concatenate([pd.date_range(session_open(day), periods=_MINUTES, freq="min") for day in DAYS])
    return pd.concat([_of_symbol(symbol, place, starts) for place, symbol in enumerate(symbols)], ignore_index=True)


def _of_symbol(symbol: str, place: int, starts: Any) -> pd.DataFrame:
    usual = 40 + place % 60
    steps = (np.arange(len(starts) + 1) + 5 * place) % _WAVE
    prices = (usual * (1 - 0.0015 * np.minimum(steps, _WAVE - steps))).round(2)
    opens, closes = prices[:-1], prices[1:]
    high, low = np.maximum(opens, closes) + 0.01, np.minimum(opens, closes) - 0.01
    columns = {"open": opens, "high": high.round(2), "low": low.round(2), "close": closes, "volume": 50_000}
    return pd.DataFrame({"symbol": symbol, "timestamp": starts, **columns})


def tape(symbols: Sequence[str]) -> MarketTape:
    """The market, for the gateway's process."""
    return MarketTape.from_bars(minutes(symbols))


def scene(*, speed: float, starts_at: datetime = AN_HOUR_LATER) -> Scene:
    """The market from an instant on, so many times as fast as the wall."""
    return Scene(tape, starts_at, speed)


@contextmanager
def ledger(server: EmbeddedServer, symbols: Sequence[str], *, name: str, until: datetime) -> Iterator[Engine]:
    """A ledger that knows the minutes up to an instant, as a session does that traded the days before."""
    ensure_databases(server, [name])
    engine = create_ledger_engine(server.url(name), pool_size=8)
    try:
        upgrade(engine)
        upsert_symbols(engine, pd.DataFrame({"symbol": symbols, "company_name": symbols}))
        ensure_account(engine, Account(ACCOUNT, Mode.PAPER, owner=Settings().taxpayer))
        _record(engine, minutes(symbols), until)
        yield engine
    finally:
        engine.dispose()


def _record(engine: Engine, frame: pd.DataFrame, until: datetime) -> None:
    for day, of_day in frame.groupby(frame["timestamp"].dt.date):
        known = of_day[of_day["timestamp"] < pd.Timestamp(until).floor("min")]
        with SessionRecorder(engine, ACCOUNT, session_id=f"bench {day}", session_date=day) as recorder:
            for _, rows in known.groupby("timestamp"):
                recorder.record_bars([_bar(row, day) for row in rows.itertuples(index=False)], "1min")
            recorder.flush(_PATIENCE)


def _bar(row: Any, day: date) -> Bar:
    open_, high, low, close = (exact(getattr(row, name)) for name in _PRICES)
    starts_at = row.timestamp.to_pydatetime()
    bar_id = str(BarKey(row.symbol, "1min", starts_at))
    return Bar(bar_id, row.symbol, day, open_, high, low, close, int(row.volume))


def settings(
    home: Path, gateway: GatewayProcess, symbols: Sequence[str], *, interval: Literal["1sec", "1min"] = "1min"
) -> Settings:
    """Those of a session that trades small positions in all symbols; limits that would stop it are opened."""
    return Settings(
        home=home,
        mode=Mode.PAPER,
        ib_port=gateway.port,
        ib_account=ACCOUNT,
        ib_market_lines=2 * len(symbols),
        gateway_control=gateway.control,
        symbols=",".join(symbols),
        bar_interval=interval,
        max_order_quantity=100,
        max_position_size=100,
        max_orders_per_second=10_000,
        max_orders_per_minute=100_000,
        max_orders_per_day=1_000_000,
    )
