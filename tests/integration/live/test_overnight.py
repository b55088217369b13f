"""What a session finds changed in the morning: splits, dividends, other tickers, symbols that are gone.

On the day before, both symbols are bought two minutes before the close and guarded by a stop; the morning's swing sells
them in its first minutes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from tests.integration.live.floor import BEFORE, TODAY, Running, TradingFloor, minutes, trading_floor
from tickledger.db.corporate_actions import ingest_corporate_actions
from tickledger.db.ingestion import IngestionSource
from tickledger.db.trading import read_cash_transactions, read_orders
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.execution import CashKind
from tickledger.domain.order import OrderType
from tickledger.domain.trading_session import SessionState
from tickledger.execution.order_state import OrderState

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.xdist_group("live")]

TOMORROW = date(2013, 3, 28)
LATE = datetime(2013, 3, 27, 19, 50, tzinfo=UTC)
MORNING = datetime(2013, 3, 28, 13, 0, tzinfo=UTC)
OPENS_AT = datetime(2013, 3, 28, 13, 30, tzinfo=UTC)
LATER = datetime(2013, 3, 28, 13, 45, tzinfo=UTC)
#: The wave is so far on at the first open that it falls to its bottom at the close of the second day.
PHASE = 7
BOUGHT = Decimal(201)

Prices = Callable[[str, date], float | None]


def record(engine: Engine, *actions: CorporateAction) -> None:
    """Bring corporate actions into the record, as the evening's pipeline does."""
    rows = [
        {
            "symbol": action.symbol,
            "ex_date": pd.Timestamp(action.ex_date),
            "kind": str(action.kind),
            "ratio": None if action.ratio is None else float(action.ratio),
            "amount": None if action.amount is None else float(action.amount),
            "new_symbol": action.new_symbol,
            "fmv_old": None if action.fmv_old is None else float(action.fmv_old),
            "fmv_new": None if action.fmv_new is None else float(action.fmv_new),
        }
        for action in actions
    ]
    source = IngestionSource("actions.csv", "ab" * 32, TODAY, TOMORROW)
    ingest_corporate_actions(engine, pd.DataFrame(rows), rejects=[], source=source)


@contextmanager
def overnight(
    ledger: Engine, home: Path, action: CorporateAction, prices: Prices, *, is_cancelling: bool = True
) -> Iterator[tuple[TradingFloor, Running]]:
    """The morning's session after an evening's that held both symbols."""
    symbols = ("AAPL", "MSFT", *([action.new_symbol] if action.new_symbol else []))
    bars = minutes((BEFORE, TODAY, TOMORROW), symbols=symbols, price=prices, phase=PHASE)
    night: dict[str, Any] = {"starts_at": LATE, "night_seconds": 20.0, "venue": {"cancels_on_split": is_cancelling}}
    # Two minutes of the market are enough for the stops, four seconds of the wall where the machine is busy too.
    with trading_floor(ledger, home, bars=bars, corporate_actions=[action], speed=30.0, **night) as floor:
        with floor.session() as evening:
            evening.end()
            assert evening.summary.state is SessionState.ENDED
            assert [fill.quantity for fill in evening.heard.fills] == [BOUGHT, BOUGHT], evening.told()
            assert len(evening.heard.working()) == 2
        record(ledger, action)
        while floor.now < MORNING:
            time.sleep(0.02)
        with floor.session() as morning:
            yield floor, morning


def stops(running: Running, symbol: str) -> list[OrderState]:
    """The stops of a symbol that the session has heard of or set, the earlier first."""
    known = (state for state in running.heard.orders.values() if state.order.symbol == symbol)
    ordered = sorted(known, key=lambda state: state.order.submitted_at)
    return [state for state in ordered if state.order.order_type is OrderType.STOP]


def sold(running: Running, symbol: str) -> list[tuple[Decimal, int]]:
    """Shares and minute of the morning's sales."""
    fills = (fill for fill in running.heard.fills if fill.symbol == symbol and fill.side.sign < 0)
    return [(fill.quantity, fill.executed_at.minute) for fill in fills]


def bought(running: Running, symbol: str) -> list[str]:
    return [row.symbol for row in running.heard.decisions if row.symbol == symbol and row.side.sign > 0]


@pytest.mark.parametrize("is_cancelling", [True, False], ids=["IB cancels the stop", "the broker adjusts it"])
def test_a_split_overnight(ledger: Engine, home: Path, *, is_cancelling: bool) -> None:
    split = CorporateAction("AAPL", TOMORROW, CorporateActionKind.SPLIT, ratio=Fraction(2))
    prices: Prices = lambda symbol, day: 50.0 if (symbol, day) == ("AAPL", TOMORROW) else 100.0  # noqa: E731
    with overnight(ledger, home, split, prices, is_cancelling=is_cancelling) as (floor, morning):
        assert floor.held("AAPL") == 2 * BOUGHT
        morning.until(lambda: sold(morning, "AAPL") and sold(morning, "MSFT"))
        # The new stop is in the new terms; the strategy sees no fall by half, and sells both in the same minute.
        new = stops(morning, "AAPL")[-1].order
        assert new.quantity == 2 * BOUGHT
        assert Decimal("48.5") < (new.stop_price or Decimal(0)) < Decimal("48.8")
        assert sum(quantity for quantity, _ in sold(morning, "AAPL")) == 2 * BOUGHT
        assert sold(morning, "AAPL")[0][1] == sold(morning, "MSFT")[0][1]
        assert not bought(morning, "AAPL")
        morning.until(lambda: floor.held("AAPL") == 0 and not floor.working("AAPL"))
        assert not morning.problems("AAPL"), morning.told()


def test_a_dividend_overnight(ledger: Engine, home: Path) -> None:
    dividend = CorporateAction("AAPL", TOMORROW, CorporateActionKind.DIVIDEND, amount=Decimal("10.00"))
    prices: Prices = lambda symbol, day: 90.0 if (symbol, day) == ("AAPL", TOMORROW) else 100.0  # noqa: E731
    with overnight(ledger, home, dividend, prices) as (floor, morning):
        # The stop stays as it is, as orders that are not to be reduced do, and sells what has fallen through it.
        morning.until(lambda: sold(morning, "AAPL") and sold(morning, "MSFT"))
        assert not bought(morning, "AAPL")
        assert floor.held("AAPL") == 0
        # 10.00 on each share, booked once whichever process begins the day.
        morning.interrupt()
        with floor.session() as again:
            again.until(lambda: again.run.tally is not None and again.summary.cash == floor.cash())
        paid = [row for row in read_cash_transactions(ledger, start=TOMORROW) if row.kind is CashKind.DIVIDEND]
        assert [row.amount for row in paid] == [10 * BOUGHT]


def test_a_change_of_ticker_overnight(ledger: Engine, home: Path) -> None:
    renamed = CorporateAction("AAPL", TOMORROW, CorporateActionKind.TICKER_CHANGE, new_symbol="APPL")

    def prices(symbol: str, day: date) -> float | None:
        return 100.0 if symbol == "MSFT" or (symbol == "APPL") is (day == TOMORROW) else None

    with overnight(ledger, home, renamed, prices) as (floor, morning):
        morning.until(lambda: sold(morning, "MSFT"))
        assert floor.held("APPL") == BOUGHT
        assert not floor.working("AAPL")
        assert morning.problems("AAPL: expected a symbol that is traded, found ticker_change into APPL")
        # Guarded from the opening on, by the signal that bought it under its old name.
        first = stops(morning, "APPL")[0].order
        assert first.quantity == BOUGHT
        assert first.submitted_at - OPENS_AT < timedelta(minutes=1)
        purchases = [row for row in read_orders(ledger, end=TODAY) if row.symbol == "AAPL" and row.side.sign > 0]
        assert first.signal_id == purchases[-1].signal_id
        assert {order.quantity for order in floor.working("APPL")} <= {BOUGHT}


def test_a_merger_for_stock_overnight(ledger: Engine, home: Path) -> None:
    merger = CorporateAction("AAPL", TOMORROW, CorporateActionKind.MERGER, ratio=Fraction(1, 3), new_symbol="BUYR")

    def prices(symbol: str, day: date) -> float | None:
        return None if (symbol, day) == ("AAPL", TOMORROW) else 300.0 if symbol == "BUYR" else 100.0

    with overnight(ledger, home, merger, prices) as (floor, morning):
        morning.until(lambda: sold(morning, "MSFT"))
        assert floor.held("AAPL") == 0
        assert floor.held("BUYR") == BOUGHT / 3
        assert not floor.working("AAPL")
        # What came by it is guarded, and valued; no strategy trades it, as it is not one of the session's symbols.
        assert [state.order.quantity for state in stops(morning, "BUYR")] == [BOUGHT / 3]
        assert not bought(morning, "BUYR")
        morning.until(lambda: morning.summary.equity is not None)
        assert morning.problems("AAPL: expected a symbol that is traded, found merger into BUYR")


def test_a_spin_off_overnight(ledger: Engine, home: Path) -> None:
    spun_off = CorporateAction(
        "AAPL",
        TOMORROW,
        CorporateActionKind.SPINOFF,
        ratio=Fraction(1),
        new_symbol="CHLD",
        fmv_old=Decimal(80),
        fmv_new=Decimal(20),
    )

    def prices(symbol: str, day: date) -> float | None:
        if symbol == "CHLD":
            return 20.0 if day == TOMORROW else None
        return 80.0 if (symbol, day) == ("AAPL", TOMORROW) else 100.0

    with overnight(ledger, home, spun_off, prices) as (floor, morning):
        morning.until(lambda: sold(morning, "AAPL") and sold(morning, "MSFT"))
        # The strategy sees no fall by a fifth: it sells both in the same minute, and buys neither.
        assert sold(morning, "AAPL")[0][1] == sold(morning, "MSFT")[0][1]
        assert not bought(morning, "AAPL")
        assert floor.held("CHLD") == BOUGHT
        # Both parts are guarded by their part of the cost of about 99.10.
        prices_of = {symbol: stops(morning, symbol)[-1].order.stop_price or Decimal(0) for symbol in ("AAPL", "CHLD")}
        assert Decimal("77.5") < prices_of["AAPL"] < Decimal("78.0")
        assert Decimal("19.3") < prices_of["CHLD"] < Decimal("19.6")
        morning.until(lambda: floor.held("AAPL") == 0 and not floor.working("AAPL"))
        assert [order.quantity for order in floor.working("CHLD")] == [BOUGHT]


def test_a_merger_for_cash_overnight(ledger: Engine, home: Path) -> None:
    merger = CorporateAction("AAPL", TOMORROW, CorporateActionKind.MERGER, amount=Decimal("110.00"))
    prices: Prices = lambda symbol, day: None if (symbol, day) == ("AAPL", TOMORROW) else 100.0  # noqa: E731
    with overnight(ledger, home, merger, prices) as (floor, morning):
        morning.until(lambda: sold(morning, "MSFT"))
        assert floor.held("AAPL") == 0
        assert not floor.working("AAPL")
        assert morning.problems("AAPL: expected a symbol that is traded, found merger")


def test_a_symbol_that_was_delisted_overnight(ledger: Engine, home: Path) -> None:
    delisted = CorporateAction("AAPL", TOMORROW, CorporateActionKind.DELISTING)
    prices: Prices = lambda symbol, day: None if (symbol, day) == ("AAPL", TOMORROW) else 100.0  # noqa: E731
    with overnight(ledger, home, delisted, prices) as (floor, morning):
        morning.until(lambda: sold(morning, "MSFT") and floor.now > LATER)
        assert floor.held("AAPL") == BOUGHT
        assert not floor.working("AAPL")
        ordered = [state.order for state in stops(morning, "AAPL") if state.order.session_date == TOMORROW]
        assert not ordered
        assert not sold(morning, "AAPL")
        assert len(morning.heard.told("delisting on 2013-03-28")) == 1
        assert morning.summary.equity is not None
        assert morning.summary.state is SessionState.RUNNING
