"""The real journal in PostgreSQL for scenarios: what an order needs in the ledger before it can stand there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Final

import pandas as pd
from sqlalchemy import Engine

from tests.chaos.plan import SYMBOLS
from tests.chaos.process import ACCOUNT
from tests.chaos.stage import CASH, YESTERDAY
from tests.integration.db.story import SOURCE
from tests.trading import bar_id, market
from tickledger.db import features, market_data, signals, symbols, trading
from tickledger.db.accounts import ensure_account
from tickledger.db.order_journal import LedgerJournal
from tickledger.domain.account import Account, Mode
from tickledger.domain.order import Order, RiskDecision
from tickledger.domain.position import Balance
from tickledger.domain.session_record import SessionRecord
from tickledger.domain.signal import Signal, SignalType
from tickledger.execution.order_journal import AccountRecord, AnyEntry, JournalEntry, NewOrder

_OURS: Final = [symbol.replace(" ", ".") for symbol in SYMBOLS]


class JournalWithDecisions:
    """The ledger's journal; before an order comes the decision of risk that let it pass, as the session writes it."""

    def __init__(self, engine: Engine) -> None:
        self._journal = LedgerJournal(engine)

    def load(self, account_id: str) -> AccountRecord:
        return self._journal.load(account_id)

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:
        return self._journal.find_order(account_id, order_id)

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:
        decided = [replace(new, decision=new.decision or _decision(new.order)) for new in placed]
        self._journal.record_orders(account_id, decided)

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:
        self._journal.record(account_id, entries)


def prepared(engine: Engine) -> JournalWithDecisions:
    """The journal of a ledger with the account, yesterday's close, and a signal of each symbol."""
    symbols.upsert_symbols(engine, pd.DataFrame([{"symbol": name, "company_name": name} for name in _OURS]))
    bars = market(YESTERDAY.isoformat(), {name: ["100 100"] for name in _OURS})
    market_data.ingest_bars(engine, bars, rejects=[], source=SOURCE)
    features.write_feature_snapshots(engine, pd.DataFrame([_feature_row(name, YESTERDAY) for name in _OURS]))
    signals.replace_signals(engine, [_signal(name, YESTERDAY) for name in _OURS], start=YESTERDAY, end=YESTERDAY)
    account = Account(ACCOUNT, Mode.PAPER)
    ensure_account(engine, account)
    close = SessionRecord((), (), (), (), (), (), (Balance(ACCOUNT, YESTERDAY, CASH, CASH),))
    trading.replace_session(engine, account, close, start=YESTERDAY, end=YESTERDAY)
    return JournalWithDecisions(engine)


def _feature_row(symbol: str, day: date) -> dict[str, object]:
    stamp = pd.Timestamp(day, tz="UTC")
    return {"feature_row_id": f"feat_{symbol}", "bar_id": bar_id(symbol, day), "symbol": symbol, "timestamp": stamp}


def _signal(symbol: str, day: date) -> Signal:
    return Signal(
        signal_id=f"sig_{symbol}",
        symbol=symbol,
        session_date=day,
        signalled_at=datetime.combine(day, time(21), tzinfo=UTC),
        signal_type=SignalType.BUY,
        confidence=0.5,
        strategy="composite",
        feature_row_id=f"feat_{symbol}",
    )


def _decision(order: Order) -> RiskDecision:
    return RiskDecision(
        risk_decision_id=order.risk_decision_id,
        account_id=order.account_id,
        signal_id=order.signal_id,
        symbol=order.symbol,
        side=order.side,
        requested_quantity=order.quantity,
        approved_quantity=order.quantity,
        is_approved=True,
        reason="",
        decided_at=order.submitted_at,
        session_date=order.session_date,
        checks=(),
    )
