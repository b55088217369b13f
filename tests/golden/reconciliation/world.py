"""Random histories of an account, and what a broker's statement, its API and its 1099-B say of them when all is well.

A `World` is what happened. `ledger` writes it as our record and `statement`, `snapshot`, `form` as the broker would,
each from the world itself: what one side books on the ex-date the other pays later, what one counts by fills the other
sums up by orders. Lots and gains come of the tax engine's own run over the fills of the account.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.domain.broker import BrokerFill, BrokerPosition, BrokerSnapshot, CommissionReport
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.ids import identified
from tickledger.domain.order import OrderSide
from tickledger.execution.tax_history import TaxHistory
from tickledger.reconciliation.accounting import Accounted, Fate
from tickledger.reconciliation.form_1099b import Form1099BRow
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.statement import (
    ExecutionLevel,
    Statement,
    StatementClosedLot,
    StatementExecution,
    StatementOpenLot,
    StatementPosition,
    StatementWashSale,
)
from tickledger.reconciliation.statement_cash import (
    Amount,
    CashBalance,
    StatementCash,
    StatementCashKind,
    StatementCorporateAction,
)
from tickledger.tax.engine import compute
from tickledger.tax.fills import LotChoice, from_executions
from tickledger.tax.result import TaxResult

ACCOUNT = "U1"
NEW_YORK = ZoneInfo("America/New_York")
CENT = Decimal("0.01")
ZERO = Decimal(0)
CONIDS = {"AAA": "1001", "BBB": "1002", "CC.B": "1003"}
CUSIPS = {"AAA": "000000AA1", "BBB": "000000BB2", "CC.B": "000000CC3"}


@dataclass(frozen=True)
class World:
    """What happened in one account from `start` to `end`; `pay_dates` are those of dividends by symbol and ex-date."""

    start: date
    end: date
    executions: tuple[Execution, ...]
    actions: tuple[CorporateAction, ...] = ()
    moved: tuple[CashTransaction, ...] = ()
    pay_dates: dict[tuple[str, date], date] = field(default_factory=dict)
    choices: dict[str, tuple[LotChoice, ...]] = field(default_factory=dict)

    @cached_property
    def history(self) -> TaxHistory:
        """What the tax engine works on."""
        return TaxHistory(
            fills=from_executions(self.executions, lots=self.choices),
            accounts=[Account(ACCOUNT, Mode.LIVE, AccountKind.TAXABLE)],
            corporate_actions=self.actions,
        )

    def result(self, until: date | None = None) -> TaxResult:
        """Lots and gains by the broker's rules."""
        fills = [fill for fill in self.history.fills if until is None or fill.trade_date <= until]
        actions = [action for action in self.actions if until is None or action.ex_date <= until]
        return compute(fills, accounts=self.history.accounts, corporate_actions=actions, until=until)

    def held(self, day: date) -> dict[str, Decimal]:
        """Shares after the close of `day`, worked out one event after the other."""
        shares: defaultdict[str, Decimal] = defaultdict(Decimal)
        splits = [action for action in self.actions if action.kind is CorporateActionKind.SPLIT]
        events: list[tuple[date, int, Callable[[], None]]] = [
            *((action.ex_date, 0, partial(_split, shares, action)) for action in splits),
            *((row.trade_date, 1, partial(_trade, shares, row)) for row in self.executions),
        ]
        for on, _, happen in sorted(events, key=lambda event: event[:2]):
            if on <= day:
                happen()
        return {symbol: quantity for symbol, quantity in shares.items() if quantity}

    @cached_property
    def payments(self) -> tuple[CashTransaction, ...]:
        """What corporate actions pay, booked on the ex-date."""
        found = []
        for action in self.actions:
            before = self.held(action.ex_date - timedelta(days=1)).get(action.symbol, ZERO)
            if action.kind is CorporateActionKind.DIVIDEND and action.amount is not None:
                amount = (before * action.amount).quantize(CENT, rounding=ROUND_HALF_UP)
                found.append((CashKind.DIVIDEND, action, amount))
            elif (
                action.cash_in_lieu
                and action.ratio is not None
                and (before * action.ratio.numerator) % (action.ratio.denominator)
            ):
                found.append((CashKind.CASH_IN_LIEU, action, action.cash_in_lieu))
        return tuple(
            identified("cash", CashTransaction("", ACCOUNT, kind, amount, action.ex_date, action.symbol))
            for kind, action, amount in found
            if amount
        )

    def cash(self, day: date, *, is_paid_late: bool = False) -> Decimal:
        """USD after the close of `day`; the broker pays dividends late."""
        rows = [row for row in self.executions if row.trade_date <= day]
        traded = sum((-row.side.sign * row.quantity * row.price - row.commission - row.fees for row in rows), ZERO)
        paid = (row.amount for row in self.payments if (self.paid(row) if is_paid_late else row.session_date) <= day)
        moved = (row.amount for row in self.moved if row.session_date <= day)
        return traded + sum(paid, ZERO) + sum(moved, ZERO)

    def paid(self, row: CashTransaction) -> date:
        """The day on which the broker pays what we book on the ex-date."""
        return self.pay_dates.get((row.symbol or "", row.session_date), row.session_date)


def _split(shares: dict[str, Decimal], action: CorporateAction) -> None:
    ratio = action.ratio or Fraction(1)
    grown = shares[action.symbol] * ratio.numerator / ratio.denominator
    shares[action.symbol] = grown // 1 if action.cash_in_lieu else grown


def _trade(shares: dict[str, Decimal], row: Execution) -> None:
    shares[row.symbol] += row.side.sign * row.quantity


def world(seed: int, *, trades: int = 30, start: date = date(2025, 1, 2)) -> World:
    """A random year of one account: fills of orders, dividends, a split, interest, fees, losses that are washed."""
    rng = random.Random(seed)  # noqa: S311  reproducible on purpose
    days = [start + timedelta(days=n) for n in range(300) if (start + timedelta(days=n)).weekday() < 5]
    split = _split_of(rng, days)
    executions: list[Execution] = []
    held: dict[str, int] = dict.fromkeys(CONIDS, 0)
    prices = {symbol: Decimal(rng.randint(2000, 20000)) / 100 for symbol in CONIDS}
    is_split = split is None
    for number, day in enumerate(sorted(rng.choices(days, k=trades))):
        if not is_split and split is not None and day >= split.ex_date and split.ratio is not None:
            is_split = True
            held[split.symbol] = int(held[split.symbol] * split.ratio)
            prices[split.symbol] = (prices[split.symbol] / Decimal(float(split.ratio))).quantize(CENT)
        symbol = rng.choice(list(CONIDS))
        move = Decimal(rng.randint(900, 1090)) / 1000
        prices[symbol] = max((prices[symbol] * move).quantize(CENT), Decimal(2))
        sells = held[symbol] > 0 and rng.random() < 0.5
        quantity = rng.randint(1, held[symbol]) if sells else rng.randint(1, 12) * 10
        held[symbol] += -quantity if sells else quantity
        executions += _order(rng, number, day, symbol=symbol, price=prices[symbol], quantity=quantity, sells=sells)
    end = days[-1] + timedelta(days=10)
    dividends = [
        CorporateAction(
            symbol, rng.choice(days), CorporateActionKind.DIVIDEND, amount=Decimal(rng.randint(1, 200)) / 100
        )
        for symbol in rng.sample(list(CONIDS), k=rng.randint(0, 3))
    ]
    actions = tuple(action for action in (split, *dividends) if action is not None)
    pay_dates = {(row.symbol, row.ex_date): row.ex_date + timedelta(days=rng.randint(7, 40)) for row in dividends}
    moved = [_moved(CashKind.DEPOSIT, Decimal(rng.randint(10, 99) * 10_000), start)]
    for month in range(3, 10, 3):
        moved.append(_moved(CashKind.INTEREST, Decimal(rng.randint(1, 9999)) / 100, date(start.year, month, 5)))
        moved.append(_moved(CashKind.FEE, -Decimal(rng.randint(100, 4500)) / 100, date(start.year, month, 3)))
    return World(start, end, tuple(executions), actions, tuple(moved), pay_dates)


def _split_of(rng: random.Random, days: Sequence[date]) -> CorporateAction | None:
    ratio = rng.choice([None, Fraction(2), Fraction(3), Fraction(3, 2)])
    if ratio is None:
        return None
    in_lieu = Decimal(rng.randint(500, 3000)) / 100 if ratio.denominator > 1 else None
    return CorporateAction(
        rng.choice(list(CONIDS)), rng.choice(days[40:]), CorporateActionKind.SPLIT, ratio, cash_in_lieu=in_lieu
    )


def _moved(kind: CashKind, amount: Decimal, on: date) -> CashTransaction:
    return identified("cash", CashTransaction("", ACCOUNT, kind, amount, on))


def _order(
    rng: random.Random, number: int, day: date, *, symbol: str, price: Decimal, quantity: int, sells: bool
) -> list[Execution]:
    parts = [quantity]
    if quantity > 3 and rng.random() < 0.4:
        cut = rng.randint(1, quantity - 1)
        parts = [cut, quantity - cut]
    at = datetime.combine(day, time(9, 31), NEW_YORK).astimezone(UTC) + timedelta(
        seconds=number * 7 + rng.randint(0, 6)
    )
    return [
        Execution(
            execution_id=f"0000e0d5.{number * 8 + part:08x}.01.01",
            order_id=f"order-{number}",
            account_id=ACCOUNT,
            symbol=symbol,
            side=OrderSide.SELL if sells else OrderSide.BUY,
            quantity=Decimal(shares),
            price=price + Decimal(part) / 100,
            commission=Decimal(rng.randint(3500, 20000)) / 10_000,
            fees=Decimal(rng.randint(1, 900)) / 10_000 if sells else ZERO,
            executed_at=at + timedelta(seconds=part * 2),
            trade_date=day,
        )
        for part, shares in enumerate(parts)
    ]


def ledger(of: World, *, closes: Iterable[date] | None = None) -> LedgerView:
    """Our record: closes of some days only, so that those between are worked out."""
    recorded = list(closes) if closes is not None else [of.start - timedelta(days=1), of.start + timedelta(days=150)]
    return LedgerView(
        account_id=ACCOUNT,
        executions=of.executions,
        cash_transactions=(*of.moved, *of.payments),
        corporate_actions=of.actions,
        holdings={day: of.held(day) for day in recorded},
        cash={day: of.cash(day) for day in recorded},
        history=of.history,
        conids=CONIDS,
        cusips=CUSIPS,
    )


_KINDS = {
    CashKind.DEPOSIT: StatementCashKind.DEPOSIT,
    CashKind.WITHDRAWAL: StatementCashKind.WITHDRAWAL,
    CashKind.DIVIDEND: StatementCashKind.DIVIDEND,
    CashKind.INTEREST: StatementCashKind.INTEREST_RECEIVED,
    CashKind.FEE: StatementCashKind.FEE,
}


#: A Flex query has a frame for each of its sections, with rows or without.
FRAMES = (
    Accounted("CashTransactions", Fate.READ, 1),
    Accounted("CorporateActions", Fate.READ, 1),
    Accounted("OpenPositions", Fate.READ, 1),
    Accounted("Trades", Fate.READ, 1),
)


def theirs(symbol: str) -> str:
    """The symbol as IB writes it."""
    return symbol.replace(".", " ")


def statement(of: World, *, start: date | None = None, end: date | None = None) -> Statement:
    """A Flex statement of the whole, or of a part of the time: every section, ids and instants to the second."""
    first, last = start or of.start, end or of.end
    result = of.result(last)
    held = of.held(last)
    before = first - timedelta(days=1)
    return Statement(
        account_id=ACCOUNT,
        broker="Interactive Brokers",
        base_currency="USD",
        start_date=first,
        end_date=last,
        generated_at=datetime.combine(last + timedelta(days=1), time(12), UTC),
        executions=tuple(executed(row) for row in of.executions if first <= row.trade_date <= last),
        positions=tuple(_position(symbol, shares, result, last) for symbol, shares in sorted(held.items())),
        open_lots=tuple(_open_lot(lot, last) for lot in result.open_lots),
        closed_lots=tuple(_closed_lot(gain) for gain in result.gains if first <= gain.sold_date <= last),
        wash_sales=tuple(_washed(gain) for gain in result.gains if gain.disallowed_loss and first <= gain.sold_date),
        cash_balances=(_balance(of, before, first, last),),
        cash_transactions=tuple(_cash(of, first, last)),
        corporate_actions=tuple(_splits(of, first, last)),
        accounting=FRAMES,
    )


def executed(row: Execution) -> StatementExecution:
    """A fill as IB states it."""
    return StatementExecution(
        symbol=theirs(row.symbol),
        side=row.side,
        quantity=row.quantity,
        price=row.price,
        currency="USD",
        executed_on=row.trade_date,
        trade_date=row.trade_date,
        executed_at=row.executed_at,
        settle_date=row.trade_date + timedelta(days=1),
        ib_exec_id=row.execution_id,
        trade_id=row.execution_id[9:17],
        order_ref=row.order_id,
        conid=CONIDS.get(row.symbol, ""),
        asset_class="STK",
        commission=row.commission + row.fees,
        commission_currency="USD",
        where="year.xml",
    )


def _position(symbol: str, shares: Decimal, result: TaxResult, as_of: date) -> StatementPosition:
    basis = sum((lot.adjusted_basis for lot in result.open_lots if lot.symbol == symbol), ZERO)
    return StatementPosition(
        symbol=theirs(symbol), quantity=shares, currency="USD", as_of=as_of, conid=CONIDS.get(symbol, ""),
        asset_class="STK", mark_price=Decimal(50), value=shares * 50, cost_basis=basis, where="year.xml",
    )  # fmt: skip


def _open_lot(lot: object, as_of: date) -> StatementOpenLot:
    return StatementOpenLot(
        symbol=theirs(lot.symbol), quantity=lot.quantity, currency="USD", as_of=as_of, opened_date=lot.acquired_date,  # type: ignore[attr-defined]
        holding_start=lot.holding_start, conid=CONIDS.get(lot.symbol, ""), asset_class="STK",  # type: ignore[attr-defined]
        cost_basis=lot.adjusted_basis, where="year.xml",  # type: ignore[attr-defined]
    )  # fmt: skip


def _closed_lot(gain: object) -> StatementClosedLot:
    return StatementClosedLot(
        symbol=theirs(gain.symbol), quantity=gain.quantity, currency="USD", closed_date=gain.sold_date,  # type: ignore[attr-defined]
        opened_date=gain.acquired_date, basis=gain.basis, realized=gain.proceeds - gain.basis,  # type: ignore[attr-defined]
        disallowed_loss=gain.disallowed_loss, term=gain.term, conid=CONIDS.get(gain.symbol, ""),  # type: ignore[attr-defined]
        asset_class="STK", where="year.xml",
    )  # fmt: skip


def _washed(gain: object) -> StatementWashSale:
    return StatementWashSale(
        symbol=theirs(gain.symbol), quantity=gain.quantity, currency="USD", disallowed_loss=gain.disallowed_loss,  # type: ignore[attr-defined]
        trade_date=gain.sold_date, realized_date=gain.sold_date, conid=CONIDS.get(gain.symbol, ""), where="year.xml",  # type: ignore[attr-defined]
    )  # fmt: skip


def _cash(of: World, first: date, last: date) -> Iterable[StatementCash]:
    for row in (*of.moved, *of.payments):
        on = of.paid(row)
        if row.kind in _KINDS and first <= on <= last:
            symbol = row.symbol or ""
            yield StatementCash(
                kind=_KINDS[row.kind], amount=row.amount, currency="USD", cash_date=on, symbol=theirs(symbol),
                conid=CONIDS.get(symbol, ""), description=f"{row.kind} {symbol}", where="year.xml",
            )  # fmt: skip


def _splits(of: World, first: date, last: date) -> Iterable[StatementCorporateAction]:
    in_lieu = {row.symbol: row.amount for row in of.payments if row.kind is CashKind.CASH_IN_LIEU}
    for action in of.actions:
        if action.kind is not CorporateActionKind.SPLIT or not first <= action.ex_date <= last or action.ratio is None:
            continue
        before = of.held(action.ex_date - timedelta(days=1)).get(action.symbol, ZERO)
        if before:
            shares: dict[str, Decimal] = defaultdict(Decimal, {action.symbol: before})
            _split(shares, action)
            yield StatementCorporateAction(
                symbol=theirs(action.symbol), currency="USD", description=f"{action.symbol} SPLIT {action.ratio}",
                quantity=shares[action.symbol] - before, report_date=action.ex_date, type_code="FS", ratio=action.ratio,
                proceeds=in_lieu.get(action.symbol), conid=CONIDS[action.symbol], asset_class="STK", where="year.xml",
            )  # fmt: skip


def _balance(of: World, before: date, first: date, last: date) -> CashBalance:
    starting, ending = of.cash(before, is_paid_late=True), of.cash(last, is_paid_late=True)
    charges = -sum((row.commission + row.fees for row in of.executions if first <= row.trade_date <= last), ZERO)
    return CashBalance(
        currency="USD", start_date=first, end_date=last, starting=starting, ending=ending,
        items=(Amount("commissions", charges),), where="year.xml",
    )  # fmt: skip


def by_orders(told: Statement) -> Statement:
    """The same executions as an activity statement has them: no ids, a row for each order, average prices."""
    groups: defaultdict[tuple[object, ...], list[StatementExecution]] = defaultdict(list)
    for row in told.executions:
        groups[row.order_ref, row.symbol, row.side, row.executed_on].append(row)
    return replace(told, executions=tuple(_summed(group) for group in groups.values()))


def _summed(group: Sequence[StatementExecution]) -> StatementExecution:
    quantity = sum((row.quantity for row in group), ZERO)
    amount = sum((row.quantity * row.price for row in group), ZERO)
    return replace(
        group[0],
        quantity=quantity,
        price=(amount / quantity).quantize(Decimal("0.000000001")),
        commission=sum((row.commission or ZERO for row in group), ZERO),
        ib_exec_id="",
        order_ref="",
        level=ExecutionLevel.ORDER,
    )


def by_days(told: Statement) -> Statement:
    """The same executions without ids and instants, and without conids."""
    rows = (replace(row, ib_exec_id="", order_ref="", executed_at=None, conid="") for row in told.executions)
    return replace(told, executions=tuple(rows))


def by_day_sums(told: Statement) -> Statement:
    """The executions of a security, side and day as one row each, without ids."""
    groups: defaultdict[tuple[object, ...], list[StatementExecution]] = defaultdict(list)
    for row in told.executions:
        groups[row.symbol, row.side, row.executed_on].append(row)
    summed = (replace(_summed(group), executed_at=None) for group in groups.values())
    return replace(told, executions=tuple(summed))


def snapshot(of: World, at: date | None = None) -> BrokerSnapshot:
    """The broker's own view after the close of a day, by default the last one with trades."""
    day = at or max(row.trade_date for row in of.executions)
    today = [row for row in of.executions if row.trade_date == day]
    taken = datetime.combine(day, time(17), NEW_YORK).astimezone(UTC)
    return BrokerSnapshot(
        account_id=ACCOUNT,
        taken_at=taken,
        open_orders=(),
        completed_orders=(),
        fills=tuple(BrokerFill(row, "77") for row in today),
        commissions=tuple(CommissionReport(row.execution_id, row.commission + row.fees, "USD", taken) for row in today),
        positions=tuple(BrokerPosition(ACCOUNT, name, shares, Decimal(50)) for name, shares in of.held(day).items()),
        cash=of.cash(day, is_paid_late=True),
    )


def form(of: World, *, is_various: bool = False) -> tuple[Form1099BRow, ...]:
    """The 1099-B: a row for each lot that a sale closed, or for each sale with VARIOUS dates."""
    rows = tuple(
        Form1099BRow(
            description=f"{gain.quantity} {theirs(gain.symbol)}", quantity=gain.quantity, symbol=theirs(gain.symbol),
            cusip=CUSIPS[gain.symbol], acquired_date=gain.acquired_date, sold_date=gain.sold_date,
            proceeds=gain.proceeds, basis=gain.basis, disallowed_loss=gain.disallowed_loss, term=gain.term,
            is_noncovered=False, is_basis_reported=True, where="1099b.csv",
        )
        for gain in of.result().gains
    )  # fmt: skip
    return _various(rows) if is_various else rows


def _various(rows: Iterable[Form1099BRow]) -> tuple[Form1099BRow, ...]:
    groups: defaultdict[tuple[object, ...], list[Form1099BRow]] = defaultdict(list)
    for row in rows:
        groups[row.symbol, row.sold_date, row.term].append(row)
    return tuple(
        replace(
            group[0],
            acquired_date=None,
            acquired_text="VARIOUS",
            quantity=sum((row.quantity or ZERO for row in group), ZERO),
            proceeds=sum((row.proceeds for row in group), ZERO),
            basis=sum((row.basis or ZERO for row in group), ZERO),
            disallowed_loss=sum((row.disallowed_loss or ZERO for row in group), ZERO),
        )
        for group in groups.values()
    )
