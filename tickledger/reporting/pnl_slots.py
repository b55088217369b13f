"""Whose shares an account holds: every position apportioned to the orders that built it, at average cost.

A slot is the part of a position that one origin (strategy and model version) built. A purchase goes to its order's
slot at what it cost. A sale takes from the slots of its order's strategy first, pro rata where several of its model
versions have shares, and what is left from the others, pro rata: whoever sells, the gain is the slot's that built the
shares, and so are the charges of the sale. Corporate actions change slots as they change the whole
(`exchange.corporate_actions`).

The account has one average cost of a symbol, which its positions and daily P&L are told by. Where a strategy sells its
own shares beside those of another that cost something else, the costs of the slots no longer add up to that: the
difference is a slot of its own without shares, `(pooled cost)`, which moves between realized and unrealized and never
earns anything.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final

import numpy as np

from tickledger.backtest.daily_results import EXTERNAL_FLOWS
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.position import Holding
from tickledger.exchange.corporate_actions import holdings_after, spun_off_value
from tickledger.execution.portfolio import Portfolio
from tickledger.reporting.pnl_columns import CENT_UNITS, MILLION, AccountHistory, Dates, as_days, to_units
from tickledger.reporting.pnl_origins import ACCOUNT, POOLED_COST, Origin, origin_of

#: The close of a symbol at the session before a day (its place in time), in millionths of a USD; 0 where none is known.
PreviousClose = Callable[[str, int], int]
#: A symbol (None: the account as such) and whose part of it.
SlotKey = tuple[str | None, Origin]

_OF_ACCOUNT: Final = frozenset({CashKind.INTEREST, CashKind.FEE})


@dataclass(slots=True)
class _Slot:
    """Signed shares and their cost, in millionths."""

    quantity: int = 0
    cost: int = 0


@dataclass(slots=True)
class Flow:
    """What a slot took in on a day besides the change of its value, in millionths of a USD.

    `cash` of trades, charges and corporate actions; `value_out` and `cost_out` of shares that another symbol replaced.
    """

    cash: int = 0
    dividends: int = 0
    value_out: int = 0
    cost_out: int = 0


@dataclass(slots=True)
class Movements:
    """What became of each slot: (day, shares, cost) at the end of each day it changed, and its flows by day."""

    states: dict[SlotKey, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    flows: dict[tuple[SlotKey, int], Flow] = field(default_factory=lambda: defaultdict(Flow))


@dataclass(slots=True)
class _Day:
    """What happens on the way to one close, in this order."""

    cash: list[CashTransaction] = field(default_factory=list)
    actions: list[CorporateAction] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)


def movements(history: AccountHistory, origins: Mapping[str, Origin], previous_close: PreviousClose) -> Movements:
    """The movements of all slots; days are places in the sessions of `history`, `origins` is by order id.

    What happens between two sessions counts for the later one, what happens after the last for none. Raises
    InputError for a corporate action that no session could have applied.
    """
    book = _SlotBook(history.account_id, origins, previous_close)
    for day, happened in sorted(_days(history).items()):
        book.play(day, happened)
    return book.movements


def _days(history: AccountHistory) -> dict[int, _Day]:
    sessions = history.session_dates
    days: dict[int, _Day] = defaultdict(_Day)
    cash = [row for row in history.cash_transactions if row.kind not in EXTERNAL_FLOWS]
    for place, transaction in zip(_places(sessions, (row.session_date for row in cash)), cash, strict=True):
        days[place].cash.append(transaction)
    actions = in_order(history.corporate_actions)
    for place, action in zip(_places(sessions, (row.ex_date for row in actions)), actions, strict=True):
        days[place].actions.append(action)
    fills = sorted(history.executions, key=lambda each: (each.executed_at, each.execution_id))
    for place, fill in zip(_places(sessions, (row.trade_date for row in fills)), fills, strict=True):
        days[place].executions.append(fill)
    days.pop(len(sessions), None)
    return days


def _places(sessions: Dates, days: Iterable[date]) -> list[int]:
    """The session that each day counts for: itself or the next."""
    return [int(place) for place in np.searchsorted(sessions, as_days(days))]


class _SlotBook:
    """All slots of an account, and beside them the account's own book, whose average cost counts for the whole."""

    def __init__(self, account_id: str, origins: Mapping[str, Origin], previous_close: PreviousClose) -> None:
        self.movements = Movements()
        self._pool = Portfolio(account_id)
        self._slots: dict[str, dict[Origin, _Slot]] = defaultdict(dict)
        self._last_holders: dict[str, dict[Origin, int]] = {}
        self._origins = origins
        self._previous_close = previous_close
        self._touched: set[str] = set()
        self._day = 0

    def play(self, day: int, happened: _Day) -> None:
        """Let a day happen and write down what the slots are at its close."""
        self._day = day
        for transaction in happened.cash:
            self._take_cash(transaction)
        for action in happened.actions:
            if action.symbol in self._pool.holdings:
                self._apply(action, happened.cash)
        for execution in happened.executions:
            self._trade(execution)
        for symbol in sorted(self._touched):
            self._settle(symbol)
        self._touched.clear()

    def _flow(self, symbol: str | None, origin: Origin) -> Flow:
        return self.movements.flows[(symbol, origin), self._day]

    def _take_cash(self, transaction: CashTransaction) -> None:
        """Cash that no fill moved goes to those who held the shares it was paid on, as they last did."""
        amount, symbol = to_units(transaction.amount), transaction.symbol
        shares = {} if symbol is None or transaction.kind in _OF_ACCOUNT else self._shares(symbol)
        for origin, part in _parts(amount, shares or {ACCOUNT: 1}):
            flow = self._flow(symbol, origin)
            if transaction.kind is CashKind.DIVIDEND:
                flow.dividends += part
            else:
                flow.cash += part

    def _shares(self, symbol: str) -> dict[Origin, int]:
        held = {origin: slot.quantity for origin, slot in self._slots[symbol].items() if slot.quantity}
        return held or self._last_holders.get(symbol, {})

    def _trade(self, execution: Execution) -> None:
        symbol, origin = execution.symbol, origin_of(execution, self._origins)
        self._pool.apply_execution(execution)
        self._touched.add(symbol)
        change = execution.side.sign * to_units(execution.quantity)
        notional = execution.side.sign * to_units(execution.quantity * execution.price)
        charges = to_units(execution.commission + execution.fees)
        held = sum(slot.quantity for slot in self._slots[symbol].values())
        closed = -held if abs(change) > abs(held) else change
        if held * change >= 0:
            closed = 0
        of_closing = notional * closed // change
        paid = charges * closed // change
        if closed:
            self._close(symbol, origin, closed, cash=-of_closing - paid)
        if opened := change - closed:
            slot = self._slots[symbol].setdefault(origin, _Slot())
            slot.quantity += opened
            slot.cost += notional - of_closing
            self._flow(symbol, origin).cash += of_closing + paid - notional - charges

    def _close(self, symbol: str, origin: Origin, change: int, *, cash: int) -> None:
        """Take `change` shares from the slots: of the origin's own strategy first, then of all."""
        taken: dict[Origin, int] = defaultdict(int)
        slots = {key: slot for key, slot in self._slots[symbol].items() if slot.quantity}
        own = {key: slot.quantity for key, slot in slots.items() if key.strategy == origin.strategy}
        others = {key: slot.quantity for key, slot in slots.items() if key not in own}
        left = change
        for holders in (own, others):
            held = sum(holders.values())
            part = -held if abs(left) > abs(held) else left
            for key, shares in _parts(part, holders):
                taken[key] += shares
            left -= part
        for (key, shares), (_, part) in zip(taken.items(), _parts(cash, taken), strict=True):
            slot = slots[key]
            slot.cost -= slot.cost * -shares // slot.quantity
            slot.quantity += shares
            self._flow(symbol, key).cash += part

    def _apply(self, action: CorporateAction, cash: Iterable[CashTransaction]) -> None:
        """Change the slots of the symbol as the whole changes; what another symbol replaces takes its value along."""
        symbol, before = action.symbol, self._pool.holdings[action.symbol]
        after = holdings_after(action, before)
        self._pool.apply_corporate_action(action)
        self._touched |= {symbol, *after}
        slots = self._slots.pop(symbol)
        self._slots[symbol] = {}
        for name, holding in after.items():
            received = _received(slots, before, holding)
            for origin, slot in received.items():
                mine = self._slots[name].setdefault(origin, _Slot())
                mine.quantity += slot.quantity
                mine.cost += slot.cost
            if name != symbol:
                value = self._value_moved(action, slots, cash)
                self._move(symbol, name, value, received)
        for origin in slots:
            self._slots[symbol].setdefault(origin, _Slot())

    def _value_moved(
        self, action: CorporateAction, slots: Mapping[Origin, _Slot], cash: Iterable[CashTransaction]
    ) -> int:
        """What of the last value goes over to the new symbol: all but the cash that was paid, or what is spun off."""
        quantity = sum(slot.quantity for slot in slots.values())
        price = self._previous_close(action.symbol, self._day)
        if action.kind is CorporateActionKind.SPINOFF:
            price = to_units(spun_off_value(action))
        paid = (row.amount for row in cash if row.corporate_action_id == action.corporate_action_id is not None)
        return quantity * price // MILLION - to_units(sum(paid, Decimal(0)))

    def _move(self, old: str, new: str, value: int, received: Mapping[Origin, _Slot]) -> None:
        shares = {origin: slot.quantity for origin, slot in received.items() if slot.quantity}
        values = dict(_parts(value, shares)) if shares else {}
        for origin, slot in received.items():
            for symbol, sign in ((old, 1), (new, -1)):
                flow = self._flow(symbol, origin)
                flow.value_out += sign * values.get(origin, 0)
                flow.cost_out += sign * slot.cost

    def _settle(self, symbol: str) -> None:
        """Write down the slots of a symbol, their costs made to add up to the account's."""
        slots = self._slots[symbol]
        held = {origin: slot.quantity for origin, slot in slots.items() if slot.quantity}
        pool = self._pool.holdings.get(symbol)
        if held:
            self._last_holders[symbol] = held
        self._pool_cost(slots, held, pool)
        for origin, slot in slots.items():
            states = self.movements.states[symbol, origin]
            if not states or states[-1][1:] != (slot.quantity, slot.cost):
                states.append((self._day, slot.quantity, slot.cost))
        self._slots[symbol] = {origin: slot for origin, slot in slots.items() if slot.quantity or slot.cost}

    def _pool_cost(self, slots: dict[Origin, _Slot], held: Mapping[Origin, int], pool: Holding | None) -> None:
        """Less than a cent is rounding and the largest slot's; more is a slot of its own."""
        own = {origin: slot for origin, slot in slots.items() if origin != POOLED_COST}
        whole = 0 if pool is None else to_units(pool.quantity * pool.average_cost)
        difference = whole - sum(slot.cost for slot in own.values())
        if held and abs(difference) < CENT_UNITS:
            largest = max(held, key=lambda origin: (abs(held[origin]), origin))
            slots[largest].cost += difference
            difference = 0
        if difference or POOLED_COST in slots:
            slots[POOLED_COST] = _Slot(0, difference)


def _received(slots: Mapping[Origin, _Slot], before: Holding, after: Holding) -> dict[Origin, _Slot]:
    """What the slots hold of one symbol after an action, where the whole went from `before` to `after`."""
    quantities = {origin: slot.quantity for origin, slot in slots.items()}
    shares = _rounded(Fraction(sum(quantities.values())) * Fraction(after.quantity) / Fraction(before.quantity))
    cost_before, cost_after = (held.quantity * held.average_cost for held in (before, after))
    part = Fraction(cost_after) / Fraction(cost_before) if cost_before else Fraction(0)
    parts = dict(_parts(shares, {origin: quantity for origin, quantity in quantities.items() if quantity}))
    return {
        origin: _Slot(parts.get(origin, 0), _rounded(slot.cost * part))
        for origin, slot in slots.items()
        if origin in parts or slot.cost
    }


def _parts(total: int, weights: Mapping[Origin, int]) -> list[tuple[Origin, int]]:
    """`total` in whole parts that add up to it, by weights of one sign."""
    if len(weights) < 2:  # noqa: PLR2004  the whole is for the one there is, which is the usual case
        return [(origin, total) for origin in weights]
    whole = sum(weights.values())
    steps: Sequence[int] = [total * reached // whole for reached in accumulate(weights.values(), initial=0)]
    return [(origin, upper - lower) for origin, (lower, upper) in zip(weights, pairwise(steps), strict=True)]


def _rounded(value: Fraction | int) -> int:
    return round(value)
