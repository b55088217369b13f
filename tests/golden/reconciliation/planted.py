"""Breaks planted one at a time into clean histories: what each looks like, and what has to be found.

A plant takes a random generator and a world and gives the two sides to compare, with what is expected of the one root
break. `Unsuitable` says that this history has no place for it.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, Final

from tests.golden.reconciliation.world import (
    ACCOUNT,
    CENT,
    CONIDS,
    NEW_YORK,
    ZERO,
    World,
    by_days,
    by_orders,
    executed,
    form,
    ledger,
    snapshot,
    statement,
    theirs,
)
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.ids import identified
from tickledger.domain.lot import Term
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.breaks import BreakCause as C
from tickledger.reconciliation.breaks import Comparison, Subject
from tickledger.reconciliation.comparison import compare_with_broker, compare_with_statement
from tickledger.reconciliation.form_1099b_matching import compare_with_1099b
from tickledger.reconciliation.statement import Correction, Statement
from tickledger.reconciliation.statement_cash import StatementCash, StatementCashKind
from tickledger.tax.fills import LotChoice

S = Subject


class UnsuitableError(Exception):
    """This history has no place for the break."""


@dataclass(frozen=True)
class Expected:
    """The root break; None leaves a part open. `stake` is USD."""

    subject: S
    cause: C
    symbol: str | None = None
    stake: Decimal | None = None
    field: str | None = None


@dataclass(frozen=True)
class Planted:
    """What came of comparing, and what has to be in it."""

    comparison: Comparison
    expected: tuple[Expected, ...]


Plant = Callable[[random.Random, World], Planted]
PLANTS: Final[dict[str, Plant]] = {}


def plant(function: Callable[[random.Random, World], Planted]) -> Plant:
    """Register a plant under its name."""
    PLANTS[function.__name__] = function
    return function


def one(rng: random.Random, rows: Iterable[Any]) -> Any:
    """Any of the rows."""
    found = list(rows)
    if not found:
        raise UnsuitableError
    return rng.choice(found)


def without(world: World, row: Execution) -> World:
    """The world in which a fill never was."""
    return replace(world, executions=tuple(each for each in world.executions if each is not row))


def instead(world: World, row: Execution, **figures: Any) -> World:
    """The world in which a fill had other figures."""
    rows = (replace(each, **figures) if each is row else each for each in world.executions)
    return replace(world, executions=tuple(rows))


def cash_of(row: Execution) -> Decimal:
    """What a fill moved, USD, to the cent."""
    total = -row.side.sign * row.quantity * row.price - row.commission - row.fees
    return abs(total).quantize(CENT, rounding=ROUND_HALF_UP)


def rounded(amount: Decimal) -> Decimal:
    """Whole cents, positive."""
    return abs(amount).quantize(CENT, rounding=ROUND_HALF_UP)


def compared(ours: World, told: Statement) -> Comparison:
    """Our record of one world beside a statement."""
    return compare_with_statement(ledger(ours), told)


def told_of(world: World, **parts: Any) -> Statement:
    """The statement of a world with some parts replaced."""
    return replace(statement(world), **parts)


def swapped(rows: Sequence[Any], row: Any, **figures: Any) -> tuple[Any, ...]:
    """The rows with other figures in one of them."""
    return tuple(replace(each, **figures) if each is row else each for each in rows)


def dropped(rows: Sequence[Any], row: Any) -> tuple[Any, ...]:
    """The rows without one."""
    return tuple(each for each in rows if each is not row)


def whole(rng: random.Random, world: World) -> Execution:
    """A fill whose absence leaves every later sale covered, so that the history stays one that can be computed."""
    return one(rng, (row for row in world.executions if _is_sound(without(world, row))))  # type: ignore[no-any-return]


def _is_sound(world: World) -> bool:
    days = sorted({row.trade_date for row in world.executions})
    return all(shares >= 0 for day in days for shares in world.held(day).values())


# --- executions -----------------------------------------------------------------------------------------------------


@plant
def fill_missing_in_our_record(rng: random.Random, world: World) -> Planted:
    row = one(rng, world.executions)
    found = compared(without(world, row), statement(world))
    return Planted(found, (Expected(S.EXECUTION, C.MISSING, row.symbol, cash_of(row)),))


@plant
def fill_missing_in_a_file_without_ids(rng: random.Random, world: World) -> Planted:
    row = one(rng, _alone(world))
    found = compared(without(world, row), by_days(statement(world)))
    return Planted(found, (Expected(S.EXECUTION, C.MISSING, row.symbol, cash_of(row)),))


@plant
def order_missing_in_a_file_of_orders(rng: random.Random, world: World) -> Planted:
    row = one(rng, _alone(world))
    found = compared(without(world, row), by_orders(statement(world)))
    return Planted(found, (Expected(S.EXECUTION, C.MISSING, row.symbol, cash_of(row)),))


def _alone(world: World) -> list[Execution]:
    """Fills that are the only one of their security on their day and the days around it."""
    return [
        row
        for row in world.executions
        if not any(
            other is not row and other.symbol == row.symbol and abs((other.trade_date - row.trade_date).days) < 8
            for other in world.executions
        )
    ]


@plant
def fill_that_the_broker_does_not_have(rng: random.Random, world: World) -> Planted:
    row = whole(rng, world)
    found = compared(world, statement(without(world, row)))
    return Planted(found, (Expected(S.EXECUTION, C.EXTRA, row.symbol, cash_of(row)),))


@plant
def trade_cancelled_by_the_broker(rng: random.Random, world: World) -> Planted:
    row = whole(rng, world)
    told = statement(without(world, row))
    fill = executed(row)
    undone = replace(fill, ib_exec_id="", trade_id="99", original_trade_id=fill.trade_id, correction=Correction.CANCELS)
    found = compared(world, replace(told, executions=(*told.executions, fill, undone)))
    return Planted(found, (Expected(S.EXECUTION, C.EXTRA, row.symbol, cash_of(row)),))


@plant
def cancellation_of_a_trade_of_before_the_file(rng: random.Random, world: World) -> Planted:
    row = whole(rng, world)
    told = statement(without(world, row))
    undone = replace(executed(row), ib_exec_id="", original_trade_id="", correction=Correction.CANCELS)
    found = compared(world, replace(told, executions=(*told.executions, undone)))
    return Planted(found, (Expected(S.EXECUTION, C.EXTRA, row.symbol, cash_of(row)),))


@plant
def other_quantity(rng: random.Random, world: World) -> Planted:
    row = one(rng, (each for each in world.executions if each.side is OrderSide.BUY))
    other = instead(world, row, quantity=row.quantity + rng.randint(1, 9))
    changed = next(each for each in other.executions if each.execution_id == row.execution_id)
    stake = rounded((changed.quantity - row.quantity) * row.price)
    found = compared(world, statement(other))
    return Planted(found, (Expected(S.EXECUTION, C.QUANTITY, row.symbol, stake, "quantity"),))


@plant
def other_price(rng: random.Random, world: World) -> Planted:
    row = one(rng, world.executions)
    change = Decimal(rng.randint(5, 90)) / 100
    found = compared(world, statement(instead(world, row, price=row.price + change)))
    return Planted(found, (Expected(S.EXECUTION, C.PRICE, row.symbol, rounded(change * row.quantity), "price"),))


@plant
def correction_that_we_did_not_hear(rng: random.Random, world: World) -> Planted:
    row = one(rng, world.executions)
    change = Decimal(rng.randint(5, 90)) / 100
    other = instead(world, row, price=row.price + change, execution_id=row.execution_id[:-1] + "2")
    told = statement(other)
    both = replace(told, executions=(executed(row), *told.executions))
    found = compared(world, both)
    return Planted(found, (Expected(S.EXECUTION, C.PRICE, row.symbol, rounded(change * row.quantity), "price"),))


@plant
def correction_counted_beside_what_it_corrects(rng: random.Random, world: World) -> Planted:
    row = one(rng, (each for each in world.executions if each.side is OrderSide.BUY))
    newer = replace(row, execution_id=row.execution_id[:-1] + "2")
    ours = replace(world, executions=(*world.executions, newer))
    told = statement(instead(world, row, execution_id=newer.execution_id))
    return Planted(compared(ours, told), (Expected(S.EXECUTION, C.EXTRA, row.symbol, cash_of(row)),))


@plant
def purchase_told_as_a_sale(rng: random.Random, world: World) -> Planted:
    row = one(rng, (each for each in world.executions if each.side is OrderSide.SELL))
    other = instead(world, row, side=OrderSide.BUY)
    bought = replace(row, side=OrderSide.BUY)
    expected = (
        Expected(S.EXECUTION, C.EXTRA, row.symbol, cash_of(row), "side"),
        Expected(S.EXECUTION, C.MISSING, row.symbol, cash_of(bought), "side"),
    )
    return Planted(compared(world, statement(other)), expected)


@plant
def other_commission(rng: random.Random, world: World) -> Planted:
    row = one(rng, world.executions)
    change = Decimal(rng.randint(110, 9000)) / 10_000 + CENT
    found = compared(world, statement(instead(world, row, commission=row.commission + change)))
    return Planted(found, (Expected(S.COMMISSION, C.FEE, row.symbol, rounded(change)),))


@plant
def commission_that_was_an_estimate(rng: random.Random, world: World) -> Planted:
    row = one(rng, world.executions)
    ours = instead(world, row, commission=Decimal(1) + row.commission, commission_is_estimated=True)
    return Planted(compared(ours, statement(world)), (Expected(S.COMMISSION, C.FEE, row.symbol, Decimal("1.00")),))


@plant
def commission_rounded(rng: random.Random, world: World) -> Planted:
    row = one(rng, world.executions)
    change = Decimal("0.0071")
    found = compared(world, statement(instead(world, row, commission=row.commission + change)))
    return Planted(found, (Expected(S.COMMISSION, C.ROUNDING, row.symbol, CENT),))


@plant
def price_rounded(rng: random.Random, world: World) -> Planted:
    row = one(rng, (each for each in world.executions if each.quantity >= 10))
    change = (Decimal("0.0080") / row.quantity).quantize(Decimal("0.00001"))
    found = compared(world, statement(instead(world, row, price=row.price + change)))
    return Planted(found, (Expected(S.EXECUTION, C.ROUNDING, row.symbol, CENT, "price"),))


@plant
def settle_date_for_a_trade_date(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, (each for each in told.executions if each.trade_date.weekday() < 4))
    rows = swapped(told.executions, row, trade_date=row.settle_date)
    found = compared(world, replace(told, executions=rows))
    return Planted(found, (Expected(S.EXECUTION, C.TIMING, None, ZERO, "trade_date"),))


@plant
def fill_of_the_last_evening(rng: random.Random, world: World) -> Planted:
    end = world.end - timedelta(days=world.end.weekday() + 3)
    symbol = one(rng, world.held(end))
    late = replace(
        world.executions[0],
        execution_id="0000e0d5.ffffffff.01.01",
        order_id="late",
        symbol=symbol,
        side=OrderSide.BUY,
        quantity=Decimal(10),
        executed_at=_evening(end),
        trade_date=end,
    )
    ours = replace(world, executions=(*world.executions, late))
    return Planted(compared(ours, statement(world, end=end)), (Expected(S.EXECUTION, C.TIMING, symbol, ZERO),))


def _evening(day: date) -> datetime:
    return datetime.combine(day, time(20, 30), NEW_YORK)


@plant
def another_time_of_day(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, told.executions)
    rows = swapped(told.executions, row, executed_at=row.executed_at + timedelta(minutes=7))
    found = compared(world, replace(told, executions=rows))
    return Planted(found, (Expected(S.EXECUTION, C.TIMING, None, ZERO, "executed_at"),))


# --- cash -----------------------------------------------------------------------------------------------------------


def _dividends(world: World, *, before: int = 62) -> list[CashTransaction]:
    last = world.end - timedelta(days=before)
    return [row for row in world.payments if row.kind is CashKind.DIVIDEND and row.session_date < last]


def _ours_less(world: World, row: CashTransaction) -> Any:
    """Our record without a movement, its cash included."""
    view = ledger(world)
    cash = {day: amount - (row.amount if row.session_date <= day else ZERO) for day, amount in view.cash.items()}
    kept = [each for each in view.cash_transactions if each is not row]
    return replace(view, cash_transactions=kept, cash=cash)


@plant
def dividend_missing_in_our_record(rng: random.Random, world: World) -> Planted:
    row = one(rng, _dividends(world))
    found = compare_with_statement(_ours_less(world, row), statement(world))
    return Planted(found, (Expected(S.DIVIDEND, C.MISSING, row.symbol, rounded(row.amount)),))


def _told_without(told: Statement, row: StatementCash) -> Statement:
    """A statement without a movement, its balance included."""
    balance = told.cash_balances[0]
    ending = (balance.ending or ZERO) - row.amount
    return replace(
        told,
        cash_transactions=dropped(told.cash_transactions, row),
        cash_balances=(replace(balance, ending=ending),),
    )


def _told_with(told: Statement, row: StatementCash, amount: Decimal) -> Statement:
    """A statement with another amount of a movement, its balance included."""
    balance = told.cash_balances[0]
    ending = (balance.ending or ZERO) + amount - row.amount
    rows = swapped(told.cash_transactions, row, amount=amount)
    return replace(told, cash_transactions=rows, cash_balances=(replace(balance, ending=ending),))


def _told_dividend(rng: random.Random, world: World, told: Statement) -> StatementCash:
    early = {(theirs(row.symbol or ""), row.amount) for row in _dividends(world)}
    rows = (row for row in told.cash_transactions if (row.symbol, row.amount) in early)
    return one(rng, rows)  # type: ignore[no-any-return]


@plant
def dividend_that_never_came(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = _told_dividend(rng, world, told)
    found = compared(
        world, replace(_told_without(told, row), cash_transactions=(*dropped(told.cash_transactions, row),))
    )
    return Planted(found, (Expected(S.DIVIDEND, C.EXTRA, None, rounded(row.amount)),))


@plant
def dividend_at_another_rate(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = _told_dividend(rng, world, told)
    amount = (row.amount * Decimal("1.0837") + Decimal("0.37")).quantize(CENT)
    found = compared(world, _told_with(told, row, amount))
    return Planted(found, (Expected(S.DIVIDEND, C.PRICE, None, rounded(amount - row.amount)),))


@plant
def dividend_a_cent_off(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = _told_dividend(rng, world, told)
    found = compared(world, _told_with(told, row, row.amount + CENT))
    return Planted(found, (Expected(S.DIVIDEND, C.ROUNDING, None, CENT),))


@plant
def dividend_on_other_shares(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = _told_dividend(rng, world, told)
    rates = {(theirs(each.symbol), world.pay_dates.get((each.symbol, each.ex_date))): each for each in world.actions}
    rate = rates[row.symbol, row.cash_date].amount or ZERO
    if rate < Decimal("0.05"):
        raise UnsuitableError
    shares = _others_than_splits(rng, row.amount, rate)
    found = compared(world, _told_with(told, row, row.amount + shares * rate))
    return Planted(found, (Expected(S.DIVIDEND, C.QUANTITY, None, rounded(shares * rate)),))


def _others_than_splits(rng: random.Random, amount: Decimal, rate: Decimal) -> Decimal:
    ratios = {Fraction(3), Fraction(2), Fraction(3, 2)}
    fits = [
        Decimal(shares) for shares in range(3, 9) if Fraction(amount + shares * rate) / Fraction(amount) not in ratios
    ]
    return one(rng, fits)  # type: ignore[no-any-return]


@plant
def withholding_tax_that_we_do_not_have(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = _told_dividend(rng, world, told)
    tax = replace(row, kind=StatementCashKind.WITHHOLDING, amount=-(row.amount * Decimal("0.3")).quantize(CENT) - CENT)
    balance = told.cash_balances[0]
    told = replace(
        told,
        cash_transactions=(*told.cash_transactions, tax),
        cash_balances=(replace(balance, ending=(balance.ending or ZERO) + tax.amount),),
    )
    return Planted(compared(world, told), (Expected(S.DIVIDEND, C.MISSING, None, rounded(tax.amount)),))


@plant
def deposit_missing_in_our_record(rng: random.Random, world: World) -> Planted:
    row = one(rng, (each for each in world.moved if each.kind is CashKind.DEPOSIT))
    ours = replace(world, moved=dropped(world.moved, row))
    found = compared(ours, statement(world))
    return Planted(found, (Expected(S.CASH_TRANSACTION, C.MISSING, None, rounded(row.amount)),))


@plant
def withdrawal_that_the_broker_does_not_have(rng: random.Random, world: World) -> Planted:
    moved = identified(
        "cash",
        CashTransaction(
            "", ACCOUNT, CashKind.WITHDRAWAL, -Decimal(rng.randint(100, 9999)), world.start + timedelta(99)
        ),
    )
    ours = replace(world, moved=(*world.moved, moved))
    found = compared(ours, statement(world))
    return Planted(found, (Expected(S.CASH_TRANSACTION, C.EXTRA, None, rounded(moved.amount)),))


@plant
def other_fee(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, (each for each in told.cash_transactions if each.kind is StatementCashKind.FEE))
    found = compared(world, _told_with(told, row, row.amount - Decimal("2.50")))
    return Planted(found, (Expected(S.CASH_TRANSACTION, C.FEE, None, Decimal("2.50")),))


@plant
def other_interest(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, (each for each in told.cash_transactions if each.kind is StatementCashKind.INTEREST_RECEIVED))
    found = compared(world, _told_with(told, row, row.amount + Decimal("3.21")))
    return Planted(found, (Expected(S.CASH_TRANSACTION, C.UNEXPLAINED, None, Decimal("3.21")),))


@plant
def balance_that_nothing_explains(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    change = Decimal(rng.randint(100, 99_999)) / 100 + Decimal("100000.01")
    balance = told.cash_balances[0]
    told = replace(told, cash_balances=(replace(balance, ending=(balance.ending or ZERO) + change),))
    return Planted(compared(world, told), (Expected(S.CASH, C.UNEXPLAINED, None, change, "ending balance"),))


@plant
def balance_that_differed_before(rng: random.Random, world: World) -> Planted:
    told = statement(world, start=world.start + timedelta(days=100))
    change = Decimal(rng.randint(100, 99_999)) / 100 + Decimal("100000.01")
    balance = told.cash_balances[0]
    shifted = replace(balance, starting=(balance.starting or ZERO) + change, ending=(balance.ending or ZERO) + change)
    found = compared(world, replace(told, cash_balances=(shifted,)))
    return Planted(found, (Expected(S.CASH, C.UNEXPLAINED, None, change, "starting balance"),))


# --- positions and corporate actions --------------------------------------------------------------------------------


def _split_action(world: World) -> CorporateAction:
    for action in world.actions:
        before = world.held(action.ex_date - timedelta(days=1)).get(action.symbol)
        if action.kind is CorporateActionKind.SPLIT and before and not action.cash_in_lieu:
            return action
    raise UnsuitableError


@plant
def split_missing_in_our_record(rng: random.Random, world: World) -> Planted:
    del rng
    action = _split_action(world)
    ours = replace(world, actions=dropped(world.actions, action))
    found = compared(ours, statement(world))
    return Planted(found, (Expected(S.CORPORATE_ACTION, C.MISSING, action.symbol),))


@plant
def split_that_the_broker_does_not_have(rng: random.Random, world: World) -> Planted:
    del rng
    action = _split_action(world)
    other = replace(world, actions=dropped(world.actions, action))
    if not _is_sound(other):
        raise UnsuitableError
    told = statement(other)
    return Planted(compared(world, told), (Expected(S.CORPORATE_ACTION, C.EXTRA, action.symbol),))


@plant
def split_at_another_ratio(rng: random.Random, world: World) -> Planted:
    del rng
    action = _split_action(world)
    ours = replace(world, actions=swapped(world.actions, action, ratio=Fraction(4)))
    return Planted(
        compared(ours, statement(world)),
        (Expected(S.CORPORATE_ACTION, C.CORPORATE_ACTION, action.symbol, None, "ratio"),),
    )


def _bare(told: Statement) -> Statement:
    """Positions alone."""
    return Statement(
        account_id=told.account_id,
        base_currency=told.base_currency,
        start_date=told.start_date,
        end_date=told.end_date,
        positions=told.positions,
    )


@plant
def position_after_a_split_that_we_do_not_know(rng: random.Random, world: World) -> Planted:
    told = _bare(statement(world))
    row = one(rng, told.positions)
    rows = swapped(told.positions, row, quantity=row.quantity * 2, value=row.value)
    found = compared(world, replace(told, positions=rows))
    return Planted(found, (Expected(S.POSITION, C.CORPORATE_ACTION, None, rounded(row.value / 2)),))


@plant
def position_that_nothing_explains(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, (each for each in told.positions if each.quantity > 7))
    shares = row.quantity + 7
    rows = swapped(told.positions, row, quantity=shares, value=shares * 50, cost_basis=row.cost_basis * 2)
    found = compared(world, replace(told, positions=rows))
    return Planted(found, (Expected(S.POSITION, C.QUANTITY, None, Decimal(350)),))


@plant
def position_that_we_do_not_have(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = replace(one(rng, told.positions), symbol="ZZZ", conid="9", cost_basis=Decimal("1.23"))
    found = compared(world, replace(told, positions=(*told.positions, row)))
    return Planted(found, (Expected(S.POSITION, C.MISSING, "ZZZ", rounded(row.quantity * 50)),))


@plant
def position_that_the_broker_does_not_have(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, told.positions)
    found = compared(world, replace(told, positions=dropped(told.positions, row)))
    return Planted(found, (Expected(S.POSITION, C.EXTRA),))


@plant
def position_under_a_new_ticker(rng: random.Random, world: World) -> Planted:
    told = _bare(statement(world))
    row = one(rng, told.positions)
    rows = swapped(told.positions, row, symbol="NEW", conid="")
    found = compared(world, replace(told, positions=rows))
    return Planted(found, (Expected(S.POSITION, C.CORPORATE_ACTION), Expected(S.POSITION, C.CORPORATE_ACTION)))


# --- lots and gains -------------------------------------------------------------------------------------------------


def _other_choice(rng: random.Random, world: World) -> World:
    """The world in which a sale took the newest lot, where that is another one than the first in."""
    splits = {action.symbol for action in world.actions if action.kind is CorporateActionKind.SPLIT}
    gains = [gain for gain in world.result().gains if gain.symbol not in splits]
    sales = {gain.close_execution_id: gain for gain in gains}
    opened = {row.execution_id: row for row in world.executions}
    days = Counter((row.symbol, row.trade_date) for row in world.executions)
    fits = []
    for close, gain in sales.items():
        sale = opened[close]
        held = [
            row
            for row in world.executions
            if row.symbol == sale.symbol
            and row.side is OrderSide.BUY
            and row.trade_date < sale.trade_date
            and row.quantity >= sale.quantity
            and row.trade_date > gain.acquired_date
            and days[row.symbol, row.trade_date] == 1  # a file tells the day of a purchase, not which of its fills
            and not any(
                other.open_execution_id == row.execution_id for other in gains if other.sold_date <= sale.trade_date
            )
        ]
        fits += [(close, row, sale.quantity) for row in held]
    close, row, quantity = one(rng, fits)
    return replace(world, choices={close: (LotChoice(row.execution_id, quantity),)})


@plant
def lots_chosen_otherwise(rng: random.Random, world: World) -> Planted:
    found = compared(world, statement(_other_choice(rng, world)))
    return Planted(found, (Expected(S.REALIZED_GAIN, C.LOT_CHOICE, None, None, "lots"),))


@plant
def gain_missing_in_our_record(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, told.closed_lots)
    extra = replace(row, symbol="ZZZ", conid="")
    found = compared(world, replace(told, closed_lots=(*told.closed_lots, extra)))
    return Planted(found, (Expected(S.REALIZED_GAIN, C.MISSING, "ZZZ", rounded(row.realized)),))


@plant
def gain_that_the_broker_does_not_have(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, told.closed_lots)
    sale = [each for each in told.closed_lots if (each.symbol, each.closed_date) == (row.symbol, row.closed_date)]
    kept = tuple(each for each in told.closed_lots if each not in sale)
    if not kept:
        raise UnsuitableError
    stake = rounded(sum((each.realized or ZERO for each in sale), ZERO))
    found = compared(world, replace(told, closed_lots=kept))
    return Planted(found, (Expected(S.REALIZED_GAIN, C.EXTRA, None, stake),))


@plant
def basis_of_a_closed_lot_at_another_price(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, told.closed_lots)
    change = Decimal("41.37")
    rows = swapped(told.closed_lots, row, basis=row.basis + change, realized=row.realized - change)
    found = compared(world, replace(told, closed_lots=rows))
    return Planted(found, (Expected(S.REALIZED_GAIN, C.PRICE, None, change, "basis"),))


@plant
def basis_of_an_open_lot_at_another_price(rng: random.Random, world: World) -> Planted:
    told = statement(world)
    row = one(rng, told.open_lots)
    rows = swapped(told.open_lots, row, cost_basis=row.cost_basis + Decimal("41.37"))
    found = compared(world, replace(told, open_lots=rows))
    return Planted(found, (Expected(S.OPEN_LOT, C.PRICE, None, Decimal("41.37"), "basis"),))


@plant
def open_lot_without_its_disallowed_loss(rng: random.Random, world: World) -> Planted:
    carried = [lot for lot in world.result(world.end).open_lots if lot.adjusted_basis > lot.original_basis]
    lot = one(rng, (each for each in carried if each.adjusted_basis - each.original_basis > Decimal(1)))
    of_day = [each for each in carried if (each.symbol, each.acquired_date) == (lot.symbol, lot.acquired_date)]
    told = statement(world)
    rows = list(told.open_lots)
    for each in of_day:
        place = next(
            number
            for number, row in enumerate(rows)
            if (row.conid, row.opened_date, row.cost_basis)
            == (_conid(each.symbol), each.acquired_date, each.adjusted_basis)
        )
        rows[place] = replace(rows[place], cost_basis=each.original_basis)
    stake = sum((each.adjusted_basis - each.original_basis for each in of_day), ZERO)
    found = compared(world, replace(told, open_lots=tuple(rows)))
    return Planted(found, (Expected(S.OPEN_LOT, C.SCOPE, lot.symbol, stake, "basis"),))


def _conid(symbol: str) -> str:
    return CONIDS[symbol]


# --- Form 1099-B ----------------------------------------------------------------------------------------------------


def _formed(world: World, rows: Sequence[Any]) -> Comparison:
    return compare_with_1099b(ledger(world), rows, tax_year=2025)


def _only_lot(rng: random.Random, rows: Sequence[Any]) -> Any:
    """A row that is the only one of its sale."""
    counts: dict[Any, int] = {}
    for row in rows:
        counts[row.symbol, row.sold_date] = counts.get((row.symbol, row.sold_date), 0) + 1
    return one(rng, (row for row in rows if counts[row.symbol, row.sold_date] == 1))


@plant
def form_has_a_sale_that_we_do_not(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = replace(one(rng, rows), symbol="ZZZ", cusip="", description="5 ZZZ")
    gain = rounded(row.proceeds - (row.basis or ZERO))
    return Planted(_formed(world, (*rows, row)), (Expected(S.FORM_1099B, C.MISSING, "ZZZ", gain),))


@plant
def form_lacks_a_sale(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = _only_lot(rng, rows)
    stake = rounded(row.proceeds - row.basis)
    return Planted(_formed(world, dropped(rows, row)), (Expected(S.FORM_1099B, C.EXTRA, None, stake, "1a"),))


@plant
def form_1b_other_lots(rng: random.Random, world: World) -> Planted:
    found = _formed(world, form(_other_choice(rng, world)))
    return Planted(found, (Expected(S.FORM_1099B, C.LOT_CHOICE, None, None, "1b"),))


@plant
def form_1c_settle_date(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    sales = {(row.symbol, row.sold_date) for row in rows}
    fits = [
        row
        for row in rows
        if row.sold_date is not None
        and row.sold_date.weekday() < 4
        and (row.symbol, row.sold_date + timedelta(days=1)) not in sales
        and sum((each.symbol, each.sold_date) == (row.symbol, row.sold_date) for each in rows) == 1
    ]
    row = one(rng, fits)
    swap = swapped(rows, row, sold_date=row.sold_date + timedelta(days=1))
    return Planted(_formed(world, swap), (Expected(S.FORM_1099B, C.TIMING, None, ZERO, "1c"),))


@plant
def form_1d_before_the_costs_of_selling(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = _only_lot(rng, rows)
    sales = [
        each
        for each in world.executions
        if (theirs(each.symbol), each.trade_date, each.side) == (row.symbol, row.sold_date, OrderSide.SELL)
    ]
    costs = rounded(sum((each.commission + each.fees for each in sales), ZERO))
    if costs <= 2 * CENT:
        raise UnsuitableError
    found = _formed(world, swapped(rows, row, proceeds=row.proceeds + costs))
    return Planted(found, (Expected(S.FORM_1099B, C.FEE, None, costs, "1d"),))


@plant
def form_1d_other_proceeds(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = one(rng, rows)
    found = _formed(world, swapped(rows, row, proceeds=row.proceeds + Decimal("77.77")))
    return Planted(found, (Expected(S.FORM_1099B, C.PRICE, None, Decimal("77.77"), "1d"),))


@plant
def form_1e_other_basis(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = one(rng, rows)
    found = _formed(world, swapped(rows, row, basis=row.basis + Decimal("77.77")))
    return Planted(found, (Expected(S.FORM_1099B, C.PRICE, None, Decimal("77.77"), "1e"),))


@plant
def form_1e_a_cent_off(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = _only_lot(rng, rows)
    found = _formed(world, swapped(rows, row, basis=row.basis + 2 * CENT))
    return Planted(found, (Expected(S.FORM_1099B, C.ROUNDING, None, 2 * CENT, "1e"),))


@plant
def form_1g_without_the_wash_sale(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    washed = [row for row in rows if row.disallowed_loss and row.disallowed_loss > Decimal(1)]
    row = one(rng, washed)
    same = [each for each in rows if (each.symbol, each.sold_date, each.acquired_date) == (
        row.symbol, row.sold_date, row.acquired_date)]  # fmt: skip
    stake = sum((each.disallowed_loss or ZERO for each in same), ZERO)
    swap = tuple(replace(each, disallowed_loss=ZERO) if each in same else each for each in rows)
    return Planted(_formed(world, swap), (Expected(S.FORM_1099B, C.SCOPE, None, stake, "1g"),))


@plant
def form_1g_another_amount(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = one(rng, (each for each in rows if each.disallowed_loss and each.disallowed_loss > Decimal(5)))
    found = _formed(world, swapped(rows, row, disallowed_loss=row.disallowed_loss - Decimal("3.33")))
    return Planted(found, (Expected(S.FORM_1099B, C.UNEXPLAINED, None, Decimal("3.33"), "1g"),))


@plant
def form_2_wrong_term(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = _only_lot(rng, rows)
    found = _formed(world, swapped(rows, row, term=Term.LONG if row.term is Term.SHORT else Term.SHORT))
    stake = rounded(row.proceeds - row.basis)
    return Planted(found, (Expected(S.FORM_1099B, C.UNEXPLAINED, None, stake, "2"),))


@plant
def form_5_noncovered(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = _only_lot(rng, rows)
    swap = swapped(rows, row, is_noncovered=True, is_basis_reported=False, basis=None, disallowed_loss=None)
    return Planted(_formed(world, swap), (Expected(S.FORM_1099B, C.SCOPE, None, ZERO, "5"),))


@plant
def form_12_basis_not_reported(rng: random.Random, world: World) -> Planted:
    rows = form(world)
    row = one(rng, rows)
    found = _formed(world, swapped(rows, row, is_basis_reported=False))
    return Planted(found, (Expected(S.FORM_1099B, C.SCOPE, None, ZERO, "12"),))


# --- the broker's API -----------------------------------------------------------------------------------------------


def _last_day(rng: random.Random, world: World) -> Execution:
    last = max(row.trade_date for row in world.executions)
    return one(rng, (row for row in world.executions if row.trade_date == last))  # type: ignore[no-any-return]


@plant
def fill_that_only_the_api_tells(rng: random.Random, world: World) -> Planted:
    row = _last_day(rng, world)
    found = compare_with_broker(ledger(without(world, row)), snapshot(world))
    return Planted(found, (Expected(S.EXECUTION, C.MISSING, row.symbol, cash_of(row)),))


@plant
def fill_that_the_api_does_not_tell(rng: random.Random, world: World) -> Planted:
    row = _last_day(rng, world)
    found = compare_with_broker(ledger(world), snapshot(without(world, row), row.trade_date))
    return Planted(found, (Expected(S.EXECUTION, C.EXTRA, row.symbol, cash_of(row)),))


@plant
def commission_that_the_api_tells_otherwise(rng: random.Random, world: World) -> Planted:
    row = _last_day(rng, world)
    found = compare_with_broker(ledger(world), snapshot(instead(world, row, commission=row.commission + 1)))
    return Planted(found, (Expected(S.COMMISSION, C.FEE, row.symbol, Decimal("1.00")),))


@plant
def position_that_the_api_tells_otherwise(rng: random.Random, world: World) -> Planted:
    told = snapshot(world)
    row = one(rng, (each for each in told.positions if each.quantity > 7))
    found = compare_with_broker(
        ledger(world), replace(told, positions=swapped(told.positions, row, quantity=row.quantity + 7))
    )
    return Planted(found, (Expected(S.POSITION, C.QUANTITY, row.symbol),))


@plant
def cash_that_the_api_tells_otherwise(rng: random.Random, world: World) -> Planted:
    told = snapshot(world)
    unpaid = [row for row in world.payments if row.session_date <= told.taken_at.date() < world.paid(row)]
    if unpaid:  # that would be part of the difference, and nobody could tell
        raise UnsuitableError
    change = Decimal(rng.randint(100, 99_999)) / 100 + Decimal("100000.01")
    found = compare_with_broker(ledger(world), replace(told, cash=told.cash + change))
    return Planted(found, (Expected(S.CASH, C.UNEXPLAINED, None, change),))
