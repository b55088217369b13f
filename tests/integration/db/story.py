"""A short story with a row of every kind in it, told to a ledger through its repositories.

In January 2012 a simulated account buys 100 AAPL on the 4th, sells them at a loss on the 5th and buys 60 back on
the 6th, each time because a composite of a rule and a model said so. So 60 of the shares sold are a wash sale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pandas as pd
from sqlalchemy import Engine

from tests.integration.db.broken import tell_reconciliation
from tickledger.backtest.performance import StrategyPerformance
from tickledger.bars.reject import Reject
from tickledger.db import audit, features, market_data, models, reports, signals, symbols, tax, trading
from tickledger.db.corporate_actions import ingest_corporate_actions
from tickledger.db.ingestion import IngestionSource
from tickledger.db.kill_switch import record_kill_switch_event
from tickledger.db.lease import LeaseKeeper
from tickledger.db.order_costs import replace_order_costs
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.trading_sessions import end_session, open_session, request_pause, take_over
from tickledger.domain.account import Account, Mode
from tickledger.domain.bar import BarKey, Quote
from tickledger.domain.broker import CommissionReport
from tickledger.domain.errors import Problem
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.lot import Lot, RealizedGain, Term, WashSale
from tickledger.domain.model import ModelVersion
from tickledger.domain.order import (
    Order,
    OrderEvent,
    OrderModification,
    OrderSide,
    OrderStatus,
    OrderType,
    RiskCheck,
    RiskDecision,
    RiskLimit,
    TimeInForce,
)
from tickledger.domain.position import Balance, Position
from tickledger.domain.session_record import SessionRecord
from tickledger.domain.signal import Signal, SignalType
from tickledger.execution.algos.parent import ParentOrder
from tickledger.execution.order_journal import (
    AmendmentSource,
    CommissionEntry,
    ExecutionCorrection,
    ForeignExecution,
    JournalEntry,
    OrderAmendment,
)
from tickledger.execution.tca import Observations, OrderCost, order_cost
from tickledger.reporting.attribution import AttributionEffect
from tickledger.reporting.pnl import DailyPnl
from tickledger.reporting.pnl_contributions import PnlContribution
from tickledger.reporting.returns import PeriodReturn
from tickledger.reporting.roll_forward import RollForward
from tickledger.tax.form_8949 import FormLine, form_lines
from tickledger.tax.schedule_d import schedule_d

ACCOUNT = Account("SIM0001", Mode.SIMULATED)
START, END = date(2012, 1, 3), date(2012, 1, 9)
BUY_DAY, SELL_DAY, AGAIN_DAY = date(2012, 1, 4), date(2012, 1, 5), date(2012, 1, 6)
SOURCE = IngestionSource("bars.csv", "ab" * 32, START, END)
PRICES = {3: "411.23", 4: "413.44", 5: "401.00", 6: "405.00", 9: "421.73"}


@dataclass(frozen=True)
class Conclusions:
    """What a tax result says, told rather than computed."""

    gains: tuple[RealizedGain, ...]
    wash_sales: tuple[WashSale, ...]
    open_lots: tuple[Lot, ...]
    lots: tuple[Lot, ...]


@dataclass(frozen=True)
class Story:
    """What was told, for tests to compare with what is read."""

    record: SessionRecord
    signals: tuple[Signal, ...]
    tax: Conclusions
    lines: tuple[FormLine, ...]
    model: ModelVersion


def tell(ledger: Engine) -> Story:
    """Write the whole story."""
    symbols.upsert_symbols(ledger, pd.DataFrame([{"symbol": "AAPL", "company_name": "Apple Inc."}]))
    market_data.ingest_bars(ledger, bars(), rejects=[reject()], source=SOURCE)
    ingest_corporate_actions(ledger, corporate_actions(), rejects=[], source=SOURCE)
    models.record_model_version(ledger, model())
    features.write_feature_snapshots(ledger, feature_rows())
    signals.replace_signals(ledger, opinions(), start=START, end=END)
    trading.ensure_account(ledger, ACCOUNT)
    limit = RiskLimit(ACCOUNT.account_id, "max_position_size", Decimal(1000), START)
    trading.replace_risk_limits(ledger, ACCOUNT.account_id, [limit])
    trading.replace_session(ledger, ACCOUNT, record(), start=START, end=END)
    LedgerJournal(ledger).record(ACCOUNT.account_id, told_later())
    tax.replace_tax_result(ledger, tax_result(), account_ids=[ACCOUNT.account_id])
    lines = tell_reports(ledger, tax_result().gains)
    engaged = KillSwitchEvent(KillSwitchEventKind.ENGAGED, "test", "the story ends", at(END, 21))
    record_kill_switch_event(ledger, engaged)
    replace_order_costs(ledger, ACCOUNT, [cost()], start=START, end=END)
    tell_session(ledger)
    tell_reconciliation(ledger, ACCOUNT)
    audit.append(ledger, actor="test", action="tell", subject="story", details={})
    return Story(record(), tuple(opinions()), tax_result(), lines, model())


def tell_session(ledger: Engine) -> None:
    """A process that traded on the last day, was paused, and gave its lease up."""
    account_id = ACCOUNT.account_id
    keeper = LeaseKeeper(ledger, account_id, holder="story")
    lease = keeper.acquire()
    assert lease is not None
    session = open_session(ledger, account_id, session_date=END, strategy="composite", host="localhost", pid=1)
    take_over(ledger, session.session_id, lease)
    request_pause(ledger, account_id, actor="test", reason="the story ends", requested_at=at(END, 20))
    end_session(ledger, session.session_id, reason="the story ends")
    keeper.release()
    keeper.close()


def told_later() -> list[JournalEntry]:
    """What a broker may tell of the first purchase: the same terms, figures and charge again; and a fill by hand."""
    bought = record().executions[0]
    corrected = ExecutionCorrection(
        correction_id="exec_04.02",
        execution_id=bought.execution_id,
        sequence=0,
        corrects=bought.execution_id,
        quantity=bought.quantity,
        price=bought.price,
        executed_at=bought.executed_at,
        trade_date=bought.trade_date,
    )
    charge = CommissionReport("exec_04.02", bought.commission, "USD", at(BUY_DAY, 15))
    terms = OrderModification(quantity=bought.quantity)
    confirmed = OrderAmendment(bought.order_id, 0, terms, AmendmentSource.BROKER, at(BUY_DAY, 14), BUY_DAY)
    by_hand = replace(bought, execution_id="exec_by_hand", order_id="", quantity=Decimal(1), bar_id=None)
    foreign = ForeignExecution(by_hand, by_hand.execution_id, "1234567")
    return [confirmed, corrected, CommissionEntry(bought.execution_id, 0, charge), foreign]


def tell_reports(ledger: Engine, gains: Sequence[RealizedGain]) -> tuple[FormLine, ...]:
    """Write the forms of `gains`, a day's P&L and a performance."""
    lines = form_lines(gains, tax_year=2012, mode=Mode.SIMULATED)
    reports.replace_form_lines(ledger, lines, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2012)
    schedule = schedule_d(lines, tax_year=2012, mode=Mode.SIMULATED)
    reports.replace_schedule_d(ledger, schedule, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2012)
    reports.replace_daily_pnl(ledger, ACCOUNT, [daily_pnl()], start=START, end=END)
    reports.replace_strategy_performance(ledger, ACCOUNT, [performance()], start=START, end=END)
    for kind, row in (
        (PnlContribution, contribution()),
        (RollForward, roll_forward()),
        (PeriodReturn, period_return()),
        (AttributionEffect, attribution_effect()),
    ):
        reports.replace_reports_of_accounts(ledger, kind, [ACCOUNT], [row], start=START, end=END)
    return lines


def at(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


def bar_id(day: date, version: int = 1) -> str:
    return str(BarKey("AAPL", "1day", at(day), version))


def bars() -> pd.DataFrame:
    rows = [
        {
            "symbol": "AAPL",
            "timestamp": pd.Timestamp(2012, 1, day, tz="UTC"),
            "open": float(close) - 0.5,
            "high": float(close) + 1,
            "low": float(close) - 1,
            "close": float(close),
            "volume": 1_000_000 + day,
        }
        for day, close in PRICES.items()
    ]
    return pd.DataFrame(rows).astype({"timestamp": "datetime64[us, UTC]"})


def reject() -> Reject:
    problem = Problem("bars.csv", "a high of at least the low, 10", "9", row=7, column="high")
    return Reject(problem, {"symbol": "AAPL", "timestamp": "2012-01-10", "high": "9", "low": "10"})


def corporate_actions() -> pd.DataFrame:
    row = {"symbol": "AAPL", "ex_date": date(2012, 1, 9), "kind": "dividend", "ratio": None, "amount": 2.65}
    return pd.DataFrame([row]).astype({"ex_date": "datetime64[us]", "ratio": "float64"})


def model() -> ModelVersion:
    return ModelVersion(
        model_version_id="model_1",
        name="direction",
        version=1,
        algorithm="random_forest",
        trained_for_year=2012,
        train_start_date=date(2000, 3, 1),
        train_end_date=date(2011, 12, 20),
        feature_set="daily-v1",
        feature_names=("return_1", "rsi_14"),
        data_sha256="cd" * 32,
        fingerprint="ef" * 32,
        git_commit="0" * 40,
        git_diff_sha256="",
        mlflow_run_id="run_1",
        parameters={"n_estimators": "200"},
        metrics={"auc": 0.5125},
        is_champion=True,
    )


def feature_rows() -> pd.DataFrame:
    days = [date(2012, 1, day) for day in PRICES]
    rows = [
        {
            "feature_row_id": f"feat_{day:%d}",
            "bar_id": bar_id(day),
            "symbol": "AAPL",
            "timestamp": pd.Timestamp(day, tz="UTC"),
            "return_1": 0.1 + 0.2,
            "rsi_14": 55.5,
        }
        for day in days
    ]
    return pd.DataFrame(rows)


def opinions() -> list[Signal]:
    """After each session a rule, a model and the composite of both."""
    wanted = {date(2012, 1, 3): SignalType.BUY, BUY_DAY: SignalType.CLOSE_LONG, SELL_DAY: SignalType.BUY}
    return [signal for day, kind in wanted.items() for signal in _opinions_of(day, kind)]


def _opinions_of(day: date, kind: SignalType) -> list[Signal]:
    def signal(strategy: str, *, model_id: str | None = None, parts: tuple[str, ...] = ()) -> Signal:
        return Signal(
            signal_id=f"sig_{strategy}_{day:%d}",
            symbol="AAPL",
            session_date=day,
            signalled_at=at(day, 21),
            signal_type=kind,
            confidence=0.1 + 0.2,
            strategy=strategy,
            feature_row_id=f"feat_{day:%d}",
            model_version_id=model_id,
            component_ids=parts,
            metadata={"reason": "it was told so"},
        )

    rule, learned = signal("momentum"), signal("ml", model_id="model_1")
    return [rule, learned, signal("composite", parts=(rule.signal_id, learned.signal_id))]


def record() -> SessionRecord:
    trades = (
        (BUY_DAY, OrderSide.BUY, "100", "411", date(2012, 1, 3)),
        (SELL_DAY, OrderSide.SELL, "100", "401", BUY_DAY),
        (AGAIN_DAY, OrderSide.BUY, "60", "405", SELL_DAY),
    )
    decisions, orders, events, executions = zip(*(_trade(*trade) for trade in trades), strict=True)
    return SessionRecord(
        risk_decisions=decisions,
        orders=orders,
        order_events=tuple(event for steps in events for event in steps),
        executions=executions,
        cash_transactions=(deposit(), dividend()),
        positions=(position(BUY_DAY, "100", "411"), position(AGAIN_DAY, "60", "405")),
        balances=tuple(balance(day) for day in (START, BUY_DAY, SELL_DAY, AGAIN_DAY, END)),
    )


def cost() -> OrderCost:
    """What the first purchase cost: decided at 410.99 and 411.01, filled whole at the open."""
    bought, filled = record().orders[0], record().executions[0]
    quote = Quote("AAPL", bought.submitted_at, Decimal("410.99"), Decimal("411.01"), 100, 100)
    seen = Observations(at_decision=quote, at_end=quote, finished_at=filled.executed_at, arrived_at=bought.submitted_at)
    worked = ParentOrder(bought, bought.submitted_at, filled.executed_at)
    return order_cost(worked, [filled], seen, algorithm="TWAP")


def _trade(
    day: date, side: OrderSide, quantity: str, price: str, decided: date
) -> tuple[RiskDecision, Order, tuple[OrderEvent, ...], Execution]:
    shares, key = Decimal(quantity), f"{day:%d}"
    decision = RiskDecision(
        risk_decision_id=f"risk_{key}",
        account_id=ACCOUNT.account_id,
        signal_id=f"sig_composite_{decided:%d}",
        symbol="AAPL",
        side=side,
        requested_quantity=shares,
        approved_quantity=shares,
        is_approved=True,
        reason="",
        decided_at=at(decided, 22),
        session_date=decided,
        checks=(RiskCheck("max_position_size", is_passed=True, limit=Decimal(1000), value=shares),),
    )
    order = Order(
        order_id=f"ord_{key}",
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        side=side,
        order_type=OrderType.MARKET,
        quantity=shares,
        time_in_force=TimeInForce.OPG,
        signal_id=decision.signal_id,
        risk_decision_id=decision.risk_decision_id,
        submitted_at=at(decided, 22),
        session_date=decided,
    )
    events = (
        OrderEvent(order.order_id, 0, OrderStatus.SUBMITTED, at(decided, 22), decided),
        OrderEvent(order.order_id, 1, OrderStatus.FILLED, at(day, 14), day),
    )
    execution = Execution(
        execution_id=f"exec_{key}",
        order_id=order.order_id,
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        side=side,
        quantity=shares,
        price=Decimal(price),
        commission=Decimal("1.00"),
        fees=Decimal(0),
        executed_at=at(day, 14),
        trade_date=day,
        bar_id=bar_id(day),
    )
    return decision, order, events, execution


def deposit() -> CashTransaction:
    return CashTransaction("cash_1", ACCOUNT.account_id, CashKind.DEPOSIT, Decimal(100_000), START)


def dividend() -> CashTransaction:
    return CashTransaction("cash_2", ACCOUNT.account_id, CashKind.DIVIDEND, Decimal(159), END, symbol="AAPL")


def position(day: date, quantity: str, cost: str) -> Position:
    close = Decimal(PRICES[day.day])
    return Position(
        position_id=f"pos_{day:%d}",
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        session_date=day,
        quantity=Decimal(quantity),
        average_cost=Decimal(cost),
        close=close,
        unrealized_pnl=Decimal(quantity) * (close - Decimal(cost)),
        opened_date=day,
        bar_id=bar_id(day),
    )


def balance(day: date) -> Balance:
    return Balance(ACCOUNT.account_id, day, cash=Decimal(100_000) - day.day, equity=Decimal(100_000))


def lot(key: str, day: date, quantity: str, basis: str, adjusted: str, *, held_since: date | None = None) -> Lot:
    return Lot(
        lot_id=f"lot_{key}",
        open_execution_id=f"exec_{day:%d}",
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        quantity=Decimal(quantity),
        acquired_date=day,
        holding_start=held_since or day,
        original_basis=Decimal(basis),
        adjusted_basis=Decimal(adjusted),
    )


def gain(key: str, quantity: str, proceeds: str, basis: str, disallowed: str = "0") -> RealizedGain:
    return RealizedGain(
        gain_id=f"gain_{key}",
        close_execution_id="exec_05",
        open_execution_id="exec_04",
        lot_id="lot_1",
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        quantity=Decimal(quantity),
        acquired_date=BUY_DAY,
        holding_start=BUY_DAY,
        sold_date=SELL_DAY,
        proceeds=Decimal(proceeds),
        basis=Decimal(basis),
        adjustment_code="W" if Decimal(disallowed) else "",
        disallowed_loss=Decimal(disallowed),
        gain_loss=Decimal(proceeds) - Decimal(basis) + Decimal(disallowed),
        term=Term.SHORT,
        permanently_disallowed=Decimal(0),
        tax_year=2012,
        policies=("P4",) if Decimal(disallowed) else (),
    )


def tax_result() -> Conclusions:
    """60 of the 100 shares sold are replaced: their loss of 601.20 and the day they were held go to the new lot."""
    bought_back = lot("2", AGAIN_DAY, "60", "24301.00", "24902.20", held_since=SELL_DAY)
    return Conclusions(
        gains=(
            gain("washed", "60", "24059.40", "24660.60", "601.20"),
            gain("plain", "40", "16039.60", "16440.40"),
        ),
        wash_sales=(
            WashSale(
                wash_sale_id="wash_1",
                gain_id="gain_washed",
                replacement_execution_id="exec_06",
                quantity=Decimal(60),
                disallowed_loss=Decimal("601.20"),
                is_permanent=False,
                rule="IRC 1091(a)",
                replacement_lot_id="lot_2",
            ),
        ),
        open_lots=(bought_back,),
        lots=(lot("1", BUY_DAY, "100", "41101.00", "41101.00"), bought_back),
    )


def daily_pnl() -> DailyPnl:
    money = {"realized_pnl": "-1002.00", "unrealized_pnl": "1003.80", "dividends": "159.00", "total_pnl": "160.80"}
    return DailyPnl(
        account_id=ACCOUNT.account_id,
        session_date=END,
        portfolio_value=Decimal("100160.80"),
        cash_balance=Decimal("74857.00"),
        num_trades=3,
        **{name: Decimal(amount) for name, amount in money.items()},
    )


def contribution() -> PnlContribution:
    names = ("realized_pnl", "unrealized_pnl", "dividends", "total_pnl")
    money = {name: getattr(daily_pnl(), name) for name in names}
    return PnlContribution(ACCOUNT.account_id, END, "AAPL", "Technology", "composite", "model_1", **money)


def roll_forward() -> RollForward:
    nothing = {
        field.name: Decimal(0) for field in fields(RollForward) if field.name not in ("account_id", "session_date")
    }
    moved = {"opening_cash": "99996", "closing_cash": "100155", "dividends": "159"}
    of_nav = {"opening_nav": "100000", "closing_nav": "100159.50", "market_gain": "0.50", "gross_exposure": "25303.80"}
    return RollForward(
        ACCOUNT.account_id, END, **nothing | {key: Decimal(cell) for key, cell in (moved | of_nav).items()}
    )


def period_return() -> PeriodReturn:
    return PeriodReturn(
        account_id=ACCOUNT.account_id,
        period="YTD",
        start_date=START,
        session_date=END,
        opening_nav=Decimal(0),
        net_flows=Decimal(100_000),
        pnl=Decimal("160.80"),
        closing_nav=Decimal("100160.80"),
        time_weighted=0.1 + 0.2,
        annualized=None,
        money_weighted=None,
        money_weighted_note="money went one way only",
        benchmark="",
        benchmark_return=None,
        excess_return=None,
    )


def attribution_effect() -> AttributionEffect:
    return AttributionEffect(
        ACCOUNT.account_id, "sector", "equal weight", START, END, "Technology", "selection", 0.1 + 0.2
    )


def performance() -> StrategyPerformance:
    return StrategyPerformance(
        account_id=ACCOUNT.account_id,
        strategy="composite",
        start_date=START,
        session_date=END,
        num_signals=3,
        num_trades=3,
        pnl=Decimal("160.80"),
        win_rate=0.0,
        total_return=0.1 + 0.2,
        annual_return=None,
        annual_volatility=None,
        sharpe_ratio=None,
        sortino_ratio=None,
        max_drawdown=-0.01,
        calmar_ratio=None,
    )
