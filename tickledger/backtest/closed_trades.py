"""Closed trades: every execution that takes from a position, with what it earned at average cost.

    earned = signed quantity × (price − average cost) − its commission and fees − the share of the charges that
             opening the position cost

Economic results of trading, without dividends; the tax results, which follow lots, are in `tickledger.tax`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
from tickledger.domain.execution import Execution
from tickledger.exchange.corporate_actions import spun_off_part
from tickledger.execution.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One execution that closed shares, and what it earned after all charges, USD."""

    execution_id: str
    symbol: str
    trade_date: date
    quantity: Decimal
    pnl: Decimal


def closed_trades(
    executions: Iterable[Execution], corporate_actions: Iterable[CorporateAction] = ()
) -> list[ClosedTrade]:
    """The closed trades among `executions` (of one account, from its first on), in order.

    Corporate actions change the shares and average cost that later executions meet. Raises InputError for one
    that a session could not have applied either.
    """
    book = Portfolio("closed trades")
    charges: dict[str, Decimal] = defaultdict(Decimal)
    trades = []
    for step in _in_time(executions, corporate_actions):
        if isinstance(step, CorporateAction):
            _apply(step, book, charges)
            continue
        trade = _closed(step, book, charges)
        if trade is not None:
            trades.append(trade)
        book.apply_execution(step)
    return trades


def _closed(execution: Execution, book: Portfolio, charges: dict[str, Decimal]) -> ClosedTrade | None:
    """The trade that `execution` closes, if any; moves the charges of opening along."""
    symbol, paid = execution.symbol, execution.commission + execution.fees
    held = book.quantity(symbol)
    if held * execution.side.sign >= 0:
        charges[symbol] += paid
        return None
    quantity = min(execution.quantity, abs(held))
    opening_charges = charges[symbol] * quantity / abs(held)
    closing_charges = paid * quantity / execution.quantity
    # What is sold beyond the position opens another, with the rest of what was paid.
    charges[symbol] += paid - closing_charges - opening_charges
    per_share = -execution.side.sign * (execution.price - book.holdings[symbol].average_cost)
    pnl = quantity * per_share - opening_charges - closing_charges
    return ClosedTrade(execution.execution_id, symbol, execution.trade_date, quantity, pnl)


def _apply(action: CorporateAction, book: Portfolio, charges: dict[str, Decimal]) -> None:
    """Let the action happen; what opening the holding cost follows the shares, and ends where they do."""
    if action.symbol not in book.holdings:
        return
    book.apply_corporate_action(action)
    moved = charges.pop(action.symbol, Decimal(0))
    if action.new_symbol is not None:
        kept = moved * _part_kept(action)
        charges[action.new_symbol] += moved - kept
        moved = kept
    if action.symbol in book.holdings:
        charges[action.symbol] = moved


def _part_kept(action: CorporateAction) -> Decimal:
    """The part of the charges that stays with the old symbol where there is a new one."""
    if action.kind is not CorporateActionKind.SPINOFF:
        return Decimal(0)
    part = 1 - spun_off_part(action)
    return Decimal(part.numerator) / part.denominator


def _in_time(
    executions: Iterable[Execution], actions: Iterable[CorporateAction]
) -> Iterator[Execution | CorporateAction]:
    """Both merged: the actions of a date before its executions."""
    waiting: Sequence[CorporateAction] = in_order(actions)
    done = 0
    for execution in sorted(executions, key=lambda execution: execution.executed_at):
        while done < len(waiting) and waiting[done].ex_date <= execution.trade_date:
            yield waiting[done]
            done += 1
        yield execution
