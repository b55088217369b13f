"""One record of a corporate action adjusts bars, positions, cash and lots together, and happens once.

A history of purchases at one price and sales above it, so that an average cost and the bases of lots mean the same,
goes through the session's book, the tax engine and the adjustment of bars.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tickledger.bars.adjustment import adjust
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.order import OrderSide
from tickledger.exchange.corporate_actions import SHARE_INCREMENT, cash_paid
from tickledger.execution.portfolio import Portfolio
from tickledger.tax.engine import compute
from tickledger.tax.fills import from_executions
from tickledger.tax.result import TaxResult

ACCOUNT = "T1"
START = date(2024, 1, 2)
FIRST_EX, SECOND_EX = START + timedelta(days=40), START + timedelta(days=60)
#: USD a share of X cost, always; sales are above it, so that no loss moves basis from lot to lot.
PRICE = Decimal(40)
CENT = Decimal("0.01")
Kind = CorporateActionKind


@dataclass(frozen=True)
class Told:
    """A history, and what each of those who were told of it makes of it."""

    executions: tuple[Execution, ...]
    actions: tuple[CorporateAction, ...]
    book: Portfolio
    cash: tuple[CashTransaction, ...]
    tax: TaxResult


def execution(number: int, side: OrderSide, quantity: Decimal, price: Decimal, day: date) -> Execution:
    return Execution(
        execution_id=f"E{number:02d}",
        order_id=f"O{number:02d}",
        account_id=ACCOUNT,
        symbol="X",
        side=side,
        quantity=quantity,
        price=price,
        commission=Decimal(0),
        fees=Decimal(0),
        executed_at=datetime.combine(day, time(15), tzinfo=UTC) + timedelta(seconds=number),
        trade_date=day,
    )


@st.composite
def trades(draw: st.DrawFn) -> tuple[Execution, ...]:
    """Purchases of X at one price, and sales above it, that leave some of it held before the first ex-date."""
    held, result = Decimal(0), []
    for number in range(draw(st.integers(1, 6))):
        day = START + timedelta(days=number * 5)
        quantity = Decimal(draw(st.integers(1, 500)))
        if held > quantity and draw(st.booleans()):
            result.append(execution(number, OrderSide.SELL, quantity, PRICE + draw(st.integers(1, 9)), day))
            held -= quantity
        else:
            result.append(execution(number, OrderSide.BUY, quantity, PRICE, day))
            held += quantity
    return tuple(result)


RATIOS = st.sampled_from([Fraction(2), Fraction(3, 2), Fraction("1.05"), Fraction(1, 3), Fraction(1, 10), Fraction(7)])
AMOUNTS = st.sampled_from([Decimal("0.37"), Decimal(5), Decimal(40), Decimal("55.25")])
VALUES = st.sampled_from([Decimal("0.5"), Decimal(8), Decimal(30), Decimal("91.13")])
#: More than any fraction of a share cost here.
IN_LIEU = st.just(Decimal(5000))
MAYBE_IN_LIEU = st.none() | IN_LIEU


#: What each way of a kind needs besides a symbol and a date; a fraction never loses money.
TERMS: Mapping[str, tuple[Kind, Mapping[str, st.SearchStrategy[object]]]] = {
    "split": (Kind.SPLIT, {"ratio": RATIOS}),
    "split with cash in lieu": (Kind.SPLIT, {"ratio": RATIOS, "cash_in_lieu": IN_LIEU}),
    "dividend": (Kind.DIVIDEND, {"amount": AMOUNTS}),
    "return of capital": (Kind.RETURN_OF_CAPITAL, {"amount": AMOUNTS}),
    "spin-off": (Kind.SPINOFF, {"ratio": RATIOS, "fmv_old": VALUES, "fmv_new": VALUES, "cash_in_lieu": MAYBE_IN_LIEU}),
    "ticker change": (Kind.TICKER_CHANGE, {}),
    "merger for stock": (Kind.MERGER, {"ratio": RATIOS, "cash_in_lieu": MAYBE_IN_LIEU}),
    "merger for stock and cash": (Kind.MERGER, {"ratio": RATIOS, "amount": AMOUNTS, "fmv_new": VALUES}),
    "merger for cash": (Kind.MERGER, {"amount": AMOUNTS}),
    "delisting with a payment": (Kind.DELISTING, {"amount": AMOUNTS}),
    "delisting": (Kind.DELISTING, {}),
}
_RENAMING = {"spin-off", "ticker change", "merger for stock", "merger for stock and cash"}


def event(name: str, symbol: str, ex_date: date, new_symbol: str) -> st.SearchStrategy[CorporateAction]:
    """Such an action on `symbol`; what it turns into, where it does, is `new_symbol`."""
    kind, terms = TERMS[name]
    return st.builds(
        CorporateAction,
        symbol=st.just(symbol),
        ex_date=st.just(ex_date),
        kind=st.just(kind),
        new_symbol=st.just(new_symbol if name in _RENAMING else None),
        corporate_action_id=st.just(f"ca_{symbol}_{ex_date}"),
        **terms,
    )


def followed(data: st.DataObject, name: str) -> tuple[CorporateAction, ...]:
    """An action on X, and perhaps one on it or on what came of it on a later day."""
    first = data.draw(event(name, "X", FIRST_EX, "Y"))
    if not data.draw(st.booleans()):
        return (first,)
    symbol = data.draw(st.sampled_from([first.new_symbol or first.symbol, first.symbol]))
    return first, data.draw(st.sampled_from(sorted(TERMS)).flatmap(lambda then: event(then, symbol, SECOND_EX, "Z")))


def told(executions: tuple[Execution, ...], actions: Sequence[CorporateAction]) -> Told:
    """The history through the book that sessions keep and through the tax engine."""
    book, paid = Portfolio(ACCOUNT), list[CashTransaction]()
    for fill in executions:
        book.apply_execution(fill)
    for action in in_order(actions):
        holding = book.holdings.get(action.symbol)
        book.apply_corporate_action(action)
        if holding is not None:
            paid += cash_paid(action, holding, account_id=ACCOUNT, session_date=action.ex_date)
    result = compute(from_executions(executions), corporate_actions=actions, until=SECOND_EX)
    return Told(executions, tuple(actions), book, tuple(paid), result)


def shares_in_lots(result: TaxResult) -> dict[str, Decimal]:
    shares: defaultdict[str, Decimal] = defaultdict(Decimal)
    for lot in result.open_lots:
        shares[lot.symbol] += lot.quantity
    return shares


def assert_positions_are_the_lots(history: Told) -> None:
    """Shares to a millionth for each action, and the cost to a cent for each lot."""
    lots, holdings = shares_in_lots(history.tax), history.book.holdings
    tolerance = SHARE_INCREMENT * 10 * len(history.actions)
    for symbol in {*lots, *holdings}:
        held = history.book.quantity(symbol)
        assert abs(lots.get(symbol, Decimal(0)) - held) <= tolerance, symbol
        basis = sum((lot.adjusted_basis for lot in history.tax.open_lots if lot.symbol == symbol), Decimal(0))
        cost = held * holdings[symbol].average_cost if symbol in holdings else Decimal(0)
        assert abs(basis - cost) <= CENT * 2 * len(history.executions), symbol


def assert_cash_is_what_the_lots_say(history: Told) -> None:
    """What was paid but for dividends is proceeds of gains, or has lowered the basis."""
    paid = {action.corporate_action_id: Decimal(0) for action in history.actions if action.kind is not Kind.DIVIDEND}
    for transaction in history.cash:
        if transaction.corporate_action_id in paid:
            paid[transaction.corporate_action_id] += transaction.amount
    proceeds = sum((gain.proceeds for gain in history.tax.gains if _is_by_action(gain.close_execution_id)), Decimal(0))
    bought = sum((row.quantity * row.price for row in history.executions if row.side is OrderSide.BUY), Decimal(0))
    sold = sum((gain.basis for gain in history.tax.gains), Decimal(0))
    left = sum((lot.adjusted_basis for lot in history.tax.open_lots), Decimal(0))
    returned = bought - sold - left
    assert abs(sum(paid.values(), Decimal(0)) - proceeds - returned) <= CENT * 2 * len(history.executions)


def _is_by_action(close_execution_id: str) -> bool:
    return close_execution_id.startswith("CA:")


@pytest.mark.parametrize("name", TERMS)
@settings(max_examples=examples(30))
@given(executions=trades(), data=st.data())
def test_positions_cash_and_lots_agree_after_any_action(
    name: str, executions: tuple[Execution, ...], data: st.DataObject
) -> None:
    history = told(executions, followed(data, name))
    assert not [problem for problem in history.tax.problems if problem.severity == "error"]
    assert_positions_are_the_lots(history)
    assert_cash_is_what_the_lots_say(history)


@pytest.mark.parametrize("name", TERMS)
@settings(max_examples=examples(10))
@given(executions=trades(), data=st.data())
def test_a_record_that_is_told_twice_changes_nothing(
    name: str, executions: tuple[Execution, ...], data: st.DataObject
) -> None:
    actions = followed(data, name)
    once, twice = told(executions, actions), told(executions, [*actions, *actions])
    assert (twice.book.holdings, twice.cash) == (once.book.holdings, once.cash)
    assert (twice.tax.gains, twice.tax.open_lots) == (once.tax.gains, once.tax.open_lots)


def value_after(action: CorporateAction, price: Decimal) -> Decimal | None:
    """What a share of the action's symbol is worth after it, had nothing else changed; None where it is no more."""
    match action.kind:
        case Kind.SPLIT:
            return price * (action.ratio or Fraction(1)).denominator / (action.ratio or Fraction(1)).numerator
        case Kind.DIVIDEND | Kind.RETURN_OF_CAPITAL:
            return price - (action.amount or Decimal(0))
        case Kind.SPINOFF:
            return action.fmv_old
        case _:
            return None


@pytest.mark.parametrize("name", TERMS)
@settings(max_examples=examples(10))
@given(data=st.data())
def test_bars_tell_of_no_change_where_only_the_share_became_another(name: str, data: st.DataObject) -> None:
    """The close before is what a share after and what it brought are worth; adjusted, the price stands still."""
    action = data.draw(event(name, "X", FIRST_EX, "Y"))
    before = Decimal(100)
    if action.kind is Kind.SPINOFF:
        ratio = action.ratio or Fraction(0)
        before = (action.fmv_old or Decimal(0)) + (action.fmv_new or Decimal(0)) * ratio.numerator / ratio.denominator
    after = value_after(action, before)
    days = [FIRST_EX - timedelta(days=1), *([FIRST_EX] if after is not None else [])]
    closes = [float(before), *([float(after)] if after is not None else [])]
    bars = pd.DataFrame(
        {
            "symbol": "X",
            "timestamp": pd.to_datetime(days).tz_localize("UTC").as_unit("us"),
            **dict.fromkeys(("open", "high", "low", "close"), closes),
            "volume": 1000,
        }
    )
    adjusted = adjust(bars, frame([action, action]))
    assert adjusted["close"].tolist() == pytest.approx([closes[-1]] * len(closes))


def frame(actions: Iterable[CorporateAction]) -> pd.DataFrame:
    """Actions as the ledger reads them."""
    rows = [
        {
            "corporate_action_id": action.corporate_action_id,
            "symbol": action.symbol,
            "ex_date": pd.Timestamp(action.ex_date),
            "kind": str(action.kind),
            **{
                name: None if (value := getattr(action, name)) is None else float(value)
                for name in ("ratio", "amount", "fmv_old", "fmv_new", "cash_in_lieu")
            },
            "new_symbol": action.new_symbol,
        }
        for action in actions
    ]
    return pd.DataFrame(rows).astype({"ratio": float, "amount": float, "fmv_new": float})


def test_a_reinvested_dividend_is_cash_and_a_purchase_with_a_lot_of_its_own() -> None:
    """DRIP: 100 shares are paid 0.50 each, which buys 1.25 more at 40; Pub. 550, p. 62."""
    bought = execution(0, OrderSide.BUY, Decimal(100), PRICE, START)
    reinvested = replace(execution(1, OrderSide.BUY, Decimal("1.25"), PRICE, FIRST_EX), execution_id="DRIP")
    dividend = CorporateAction("X", FIRST_EX, Kind.DIVIDEND, amount=Decimal("0.50"), corporate_action_id="ca_1")
    history = told((bought,), [dividend])
    history.book.apply_execution(reinvested)
    result = compute(from_executions([bought, reinvested]), corporate_actions=[dividend])
    assert [row.amount for row in history.cash] == [Decimal("50.00")]
    assert history.book.holdings["X"].quantity == Decimal("101.25")
    assert [(lot.open_execution_id, lot.adjusted_basis) for lot in result.open_lots] == [
        ("E00", Decimal("4000.00")),
        ("DRIP", Decimal("50.00")),
    ]
