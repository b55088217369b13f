"""The account as a running session sees it: its portfolio, its working orders, and what is at stake in both.

It is brought up to date by what the order manager has booked, never by what the session meant to do: a fill counts
once it is in the journal, whoever ordered it, and a correction takes the place of what it corrects.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.order import OrderType
from tickledger.domain.position import Holding, Mark, PortfolioState
from tickledger.exchange.corporate_actions import price_after
from tickledger.execution.order_state import OrderState
from tickledger.execution.portfolio import Portfolio, cash_effect
from tickledger.risk.exposure import Exposure
from tickledger.risk.pre_trade import CostEstimate
from tickledger.strategies.sizing import Book

_NOTHING: Final = Decimal(0)
_EXTERNAL: Final = frozenset({CashKind.DEPOSIT, CashKind.WITHDRAWAL})


@dataclass(slots=True)
class _Before:
    """A holding before the first fill of today, and the fills since, in order."""

    holding: Holding | None
    opened_date: date | None
    execution_ids: list[str] = field(default_factory=list)


class AccountBook:
    """One account from its last recorded close on: `opening`, which has the fills that `settle` is told of."""

    def __init__(self, account_id: str, opening: PortfolioState) -> None:
        self.account_id = account_id
        self.portfolio = Portfolio.opened(account_id, opening)
        self._fills: dict[str, Execution] = {}
        self._before: dict[str, _Before] = {}
        self._closes: dict[str, Mark] = {}
        self._last = dict(opening.marks)
        self._previous_equity = opening.previous_equity or _NOTHING
        self._deposited = _NOTHING

    def settle(self, fills: Iterable[Execution]) -> None:
        """Know the fills that the opening has, as it has them: what is told otherwise of them corrects it."""
        for fill in fills:
            self._fills.setdefault(fill.execution_id, fill)

    def take_fills(self, fills: Iterable[Execution]) -> list[Execution]:
        """Book fills as they stand; those that are new, those of days before that were told late included.

        After a correction the account is what it would be had the fill been so from the beginning.
        """
        taken = []
        for fill in fills:
            known = self._fills.get(fill.execution_id)
            if known == fill:
                continue
            self._fills[fill.execution_id] = fill
            if known is None:
                self._book(fill)
                taken += [fill] if fill.quantity else []
            else:
                self._correct(known, fill)
            self._value(fill.symbol)
        return taken

    def _book(self, fill: Execution) -> None:
        before = self._before.get(fill.symbol)
        if before is None:
            held, opened_date = self.portfolio.holdings.get(fill.symbol), self.portfolio.opened_dates.get(fill.symbol)
            before = self._before[fill.symbol] = _Before(held, opened_date)
        before.execution_ids.append(fill.execution_id)
        if fill.quantity:
            self.portfolio.apply_execution(fill)
        else:
            self.portfolio.cash += cash_effect(fill)

    def _correct(self, known: Execution, fill: Execution) -> None:
        before = self._before.get(fill.symbol)
        if before is None:
            # Of an earlier day: what came between is not played again.
            self.portfolio.apply_change(known, fill)
            return
        if fill.execution_id not in before.execution_ids:
            # The same, where more of the symbol was traded today.
            before.holding = self._changed(before, known, fill)
        self.portfolio.cash += cash_effect(fill) - cash_effect(known)
        fills = [self._fills[execution_id] for execution_id in before.execution_ids]
        self.portfolio.hold_anew(fill.symbol, before.holding, before.opened_date, fills)

    def _changed(self, before: _Before, known: Execution, fill: Execution) -> Holding | None:
        """A holding of before, had one of the fills that made it been otherwise."""
        symbol, made = fill.symbol, Portfolio(self.account_id)
        if before.holding is not None:
            made.holdings[symbol] = before.holding
        made.apply_change(known, fill)
        before.opened_date = before.opened_date or made.opened_dates.get(symbol)
        return made.holdings.get(symbol)

    def take_cash(self, transaction: CashTransaction) -> None:
        """Book cash that no fill moved."""
        self.portfolio.cash += transaction.amount
        if transaction.kind in _EXTERNAL:
            self._deposited += transaction.amount

    def mark(self, bars: Iterable[Bar]) -> None:
        """Take the closes of bars as the last prices of today, for what is held and what will be."""
        for bar in bars:
            self._closes[bar.symbol] = self._last[bar.symbol] = Mark(bar.close, bar.bar_id)
            self._value(bar.symbol)

    def remember(self, bars: Iterable[Bar]) -> None:
        """Know the closes of bars of before, in order: what is held is valued by them until there are better ones."""
        for bar in bars:
            self._last[bar.symbol] = Mark(bar.close, bar.bar_id)

    def begin_day(self) -> None:
        """Forget the prices of the day before, but for the value of what is held; its fills are settled."""
        self._closes.clear()
        self._before.clear()

    def apply_corporate_action(self, action: CorporateAction) -> None:
        """Change what is held and what it is worth; raises InputError for an action that cannot be applied."""
        self.portfolio.apply_corporate_action(action)
        self._before.pop(action.symbol, None)
        if (last := self._last.get(action.symbol)) is not None:
            self._last[action.symbol] = Mark(price_after(last.close, action), last.bar_id)

    def end_day(self, equity: Decimal) -> None:
        """Losses of the next day count from `equity`."""
        self._previous_equity, self._deposited = equity, _NOTHING

    @property
    def previous_equity(self) -> Decimal:
        """What today's gains count from, USD: the last close, and what was paid in since."""
        return self._previous_equity + self._deposited

    def equity(self) -> Decimal:
        """Cash and holdings at their last prices, USD; what nobody has told a price of counts at its cost."""
        values = (held.quantity * self.price(symbol) for symbol, held in self.portfolio.holdings.items())
        return self.portfolio.cash + sum(values, _NOTHING)

    def price(self, symbol: str) -> Decimal:
        """The last known price of what is held, USD per share; its average cost where there is none."""
        mark = self.portfolio.marks.get(symbol)
        return mark.close if mark is not None else self.portfolio.holdings[symbol].average_cost

    def unvalued(self) -> list[str]:
        """The symbols held of which no close is in the record: their positions cannot be recorded."""
        return sorted(set(self.portfolio.holdings) - set(self.portfolio.marks))

    def reference_prices(self) -> dict[str, Decimal]:
        """The last prices of today, USD per share, by symbol."""
        return {symbol: mark.close for symbol, mark in self._closes.items()}

    def sizing_book(self, working: Iterable[OrderState], prices: Mapping[str, Decimal]) -> Book:
        """What sizing looks at: every working order counted as filled, and `prices` as what shares cost."""
        return Book(self.account_id, self.equity(), self.projected(working), prices)

    def projected(self, working: Iterable[OrderState]) -> dict[str, Decimal]:
        """Signed shares by symbol as if every working order were filled; stops only guard what is held."""
        quantities = {symbol: holding.quantity for symbol, holding in self.portfolio.holdings.items()}
        for state in _meant(working):
            change = state.order.side.sign * state.remaining_quantity
            quantities[state.order.symbol] = quantities.get(state.order.symbol, _NOTHING) + change
        return quantities

    def sellable(self, symbol: str, working: Iterable[OrderState]) -> Decimal:
        """Shares that are held and that no working order sells yet, stops included."""
        states = list(working)
        parents = {state.order.order_id for state in states if state.is_parent}
        on_sale = (
            state.remaining_quantity
            for state in states
            if state.order.symbol == symbol and state.order.side.sign < 0 and state.order.parent_order_id not in parents
        )
        return self.portfolio.quantity(symbol) - sum(on_sale, _NOTHING)

    def exposure(self, working: Iterable[OrderState], session_date: date, estimate_cost: CostEstimate) -> Exposure:
        """What is at stake; a working order whose symbol neither traded today nor is held has no known price."""
        meant = _meant(working)
        marks = {symbol: mark.close for symbol, mark in self.portfolio.marks.items()}
        prices = marks | self.reference_prices()
        costs = (_estimated_cost(state, prices, session_date, estimate_cost) for state in meant)
        equity = self.equity()
        return Exposure(
            equity=equity,
            cash=self.portfolio.cash - sum(costs, _NOTHING),
            day_loss=self.previous_equity - equity,
            quantities=self.projected(meant),
            prices=prices,
            average_costs={symbol: held.average_cost for symbol, held in self.portfolio.holdings.items()},
        )

    def _value(self, symbol: str) -> None:
        if symbol not in self.portfolio.holdings:
            return
        if symbol in self._closes:
            self.portfolio.marks[symbol] = self._closes[symbol]
        elif symbol in self._last:
            self.portfolio.marks.setdefault(symbol, self._last[symbol])


def _meant(working: Iterable[OrderState]) -> list[OrderState]:
    """The working orders that are to be filled: no stops that guard, no slices beside the order they work."""
    states = list(working)
    ids = {state.order.order_id for state in states if state.is_parent}
    return [state for state in states if not guards(state) and state.order.parent_order_id not in ids]


def guards(state: OrderState) -> bool:
    """Whether an order is a stop that sells what is held if it comes to that."""
    return state.order.order_type is OrderType.STOP and state.order.side.sign < 0


def _estimated_cost(
    state: OrderState, prices: Mapping[str, Decimal], session_date: date, estimate_cost: CostEstimate
) -> Decimal:
    """What a working purchase will cost; nothing is known of one without a price, which risk looks out for."""
    order = state.order
    price = order.limit_price or prices.get(order.symbol)
    if order.side.sign < 0 or price is None:
        return _NOTHING
    return estimate_cost(order.side, state.remaining_quantity, price, session_date)
