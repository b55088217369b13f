"""A day by the minute for tests of a session's record: bars, feature rows, signals, refusals, cash and a close."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.integration.db.story import ACCOUNT
from tests.integration.db.story import at as instant
from tickledger.db.session_record import SessionRecorder
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.domain.order import OrderSide, RiskCheck, RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.signal import Signal, SignalType

#: The session after the story's last.
TODAY = date(2012, 1, 10)
OPEN = instant(TODAY, 14) + timedelta(minutes=30)
SYMBOLS = ("AAPL", "BRK B", "MSFT")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A feature row as the recorder takes it."""

    feature_row_id: str
    bar_id: str
    symbol: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Minute:
    """All that one minute brings."""

    bars: tuple[Bar, ...]
    features: tuple[Snapshot, ...]
    signals: tuple[Signal, ...]
    decisions: tuple[RiskDecision, ...]

    @property
    def rows(self) -> int:
        """Rows of tables: a composite is a signal and a component."""
        return len(self.bars) + len(self.features) + len(self.signals) + len(self.signals) // 2 + len(self.decisions)

    def add_to(self, recorder: SessionRecorder) -> None:
        recorder.record_bars(self.bars, "1min")
        recorder.record_features(self.features)
        recorder.record_signals(self.signals)
        for decision in self.decisions:
            recorder.record_risk_decision(decision)


def minutes(count: int, *, symbols: tuple[str, ...] = SYMBOLS) -> Iterator[Minute]:
    """The first minutes of today."""
    for number in range(count):
        at = OPEN + timedelta(minutes=number)
        bars = tuple(bar(symbol, at, number) for symbol in symbols)
        features = tuple(snapshot(one, number) for one in bars)
        signals = tuple(said for row in features for said in opinions(row, at))
        yield Minute(bars, features, signals, tuple(refused(said, at) for said in signals[1::2]))


def bar(symbol: str, at: datetime, number: int = 0) -> Bar:
    close = Decimal(100) + Decimal(number) / 100
    ends = {"open": close, "high": close + Decimal("0.05"), "low": close - Decimal("0.05"), "close": close}
    return Bar(str(BarKey(symbol, "1min", at)), symbol, TODAY, **ends, volume=1_000 + number)


def snapshot(one: Bar, number: int = 0) -> Snapshot:
    values = {"return_1": number / 3, "rsi_14": float("nan") if number < 14 else 55.5}
    return Snapshot(f"feat_{one.bar_id}", one.bar_id, one.symbol, values)


def opinions(row: Snapshot, at: datetime) -> tuple[Signal, Signal]:
    """A rule's, and a composite of it."""

    def signal(strategy: str, *parts: str) -> Signal:
        return Signal(
            signal_id=f"sig_{strategy}_{row.feature_row_id}",
            symbol=row.symbol,
            session_date=TODAY,
            signalled_at=at,
            signal_type=SignalType.BUY,
            confidence=0.1 + 0.2,
            strategy=strategy,
            feature_row_id=row.feature_row_id,
            component_ids=parts,
            metadata={"reason": "it was told so"},
        )

    rule = signal("momentum")
    return rule, signal("composite", rule.signal_id)


def refused(signal: Signal, at: datetime) -> RiskDecision:
    return RiskDecision(
        risk_decision_id=f"risk_{signal.signal_id}",
        account_id=ACCOUNT.account_id,
        signal_id=signal.signal_id,
        symbol=signal.symbol,
        side=OrderSide.BUY,
        requested_quantity=Decimal(10),
        approved_quantity=Decimal(0),
        is_approved=False,
        reason="too much",
        decided_at=at,
        session_date=TODAY,
        checks=(RiskCheck("max_position_size", is_passed=False, limit=Decimal(1), value=Decimal(10)),),
    )


def interest(amount: str = "0.10") -> CashTransaction:
    return CashTransaction(f"cash_{amount}", ACCOUNT.account_id, CashKind.INTEREST, Decimal(amount), TODAY)


def position(symbol: str, quantity: str) -> Position:
    close = Decimal(100)
    return Position(
        position_id=f"pos_{symbol}_{quantity}",
        account_id=ACCOUNT.account_id,
        symbol=symbol,
        session_date=TODAY,
        quantity=Decimal(quantity),
        average_cost=close,
        close=close,
        unrealized_pnl=Decimal(0),
        opened_date=TODAY,
        bar_id=str(BarKey(symbol, "1min", OPEN)),
    )


def balance(cash: str = "1000.00") -> Balance:
    return Balance(ACCOUNT.account_id, TODAY, cash=Decimal(cash), equity=Decimal(cash))
