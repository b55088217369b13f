"""The book of one account: cash, holdings at average cost, and what they are worth at a close.

It is built from executions, cash transactions and corporate actions and from nothing else, so that

    cash = opening cash + Σ cash transactions − Σ signed notional − Σ commissions − Σ fees
    equity = cash + Σ quantity × close

hold exactly, in decimals. Both the session and the simulated broker keep one, as a trader and a broker do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import LedgerError
from tickledger.domain.execution import Execution
from tickledger.domain.ids import identified
from tickledger.domain.position import Balance, Holding, Mark, PortfolioState, Position
from tickledger.exchange.corporate_actions import COST_INCREMENT, holdings_after, price_after

_NOTHING: Final = Decimal(0)


def cash_effect(execution: Execution) -> Decimal:
    """What a fill adds to cash, USD: its notional with the sign of the cash, less commission and fees."""
    notional = execution.side.sign * execution.quantity * execution.price
    return -notional - execution.commission - execution.fees


def traded(holding: Holding | None, *, change: Decimal, price: Decimal) -> Holding | None:
    """The holding after `change` signed shares at `price`; None where it is flat.

    What is added moves the average cost, what is taken away leaves it; across zero it is the price.
    """
    before = holding.quantity if holding is not None else Decimal(0)
    quantity = before + change
    if quantity == 0:
        return None
    if holding is None or before * quantity < 0:
        return Holding(quantity, price)
    if abs(quantity) < abs(before):
        return Holding(quantity, holding.average_cost)
    cost = (before * holding.average_cost + change * price) / quantity
    return Holding(quantity, cost.quantize(COST_INCREMENT, rounding=ROUND_HALF_UP))


@dataclass(slots=True)
class Portfolio:
    """What an account holds now; `marks` are the last known closes of what it holds."""

    account_id: str
    cash: Decimal = Decimal(0)
    holdings: dict[str, Holding] = field(default_factory=dict)
    opened_dates: dict[str, date] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)

    @classmethod
    def opened(cls, account_id: str, state: PortfolioState) -> "Portfolio":
        """The book as `state` left it; a new account's cash is zero until its deposit is reported."""
        cash = Decimal(0) if state.previous_equity is None else state.cash
        return cls(account_id, cash, dict(state.holdings), dict(state.opened_dates), dict(state.marks))

    def quantity(self, symbol: str) -> Decimal:
        """Signed shares of `symbol`, zero where there are none."""
        holding = self.holdings.get(symbol)
        return holding.quantity if holding is not None else Decimal(0)

    def apply_execution(self, execution: Execution) -> None:
        """Book a fill."""
        change = execution.side.sign * execution.quantity
        before = self.quantity(execution.symbol)
        after = traded(self.holdings.get(execution.symbol), change=change, price=execution.price)
        self._hold(execution.symbol, after)
        if before * (before + change) <= 0 and after is not None:
            self.opened_dates[execution.symbol] = execution.trade_date
        self.cash += cash_effect(execution)

    def apply_change(self, before: Execution, after: Execution) -> None:
        """Book that a fill is otherwise than it was: other shares, another price, another charge."""
        sign = after.side.sign
        change = sign * (after.quantity - before.quantity)
        held = self.holdings.get(after.symbol)
        quantity = change if held is None else held.quantity + change
        if quantity and held is not None and held.quantity * sign > 0:
            # What the fill opened has another cost now; what it closed leaves the cost as it was.
            spent = held.quantity * held.average_cost + sign * (
                after.quantity * after.price - before.quantity * before.price
            )
            cost = (spent / quantity).quantize(COST_INCREMENT, rounding=ROUND_HALF_UP)
            self._hold(after.symbol, Holding(quantity, max(cost, _NOTHING)))
        elif change:
            self._hold(after.symbol, traded(held, change=change, price=after.price))
            self.opened_dates.setdefault(after.symbol, after.trade_date)
        self.cash += cash_effect(after) - cash_effect(before)

    def hold_anew(
        self, symbol: str, holding: Holding | None, opened_date: date | None, fills: Iterable[Execution]
    ) -> None:
        """Hold what `fills` make of a holding, in order, whatever is held of it now; cash stays as it is."""
        mark, made = self.marks.get(symbol), Portfolio(self.account_id)
        if holding is not None:
            made.holdings[symbol] = holding
        if opened_date is not None:
            made.opened_dates[symbol] = opened_date
        for fill in fills:
            if fill.quantity:
                made.apply_execution(fill)
        self._hold(symbol, made.holdings.get(symbol))
        if symbol in made.holdings:
            self.opened_dates.update(made.opened_dates)
            if mark is not None:
                self.marks[symbol] = mark

    def apply_corporate_action(self, action: CorporateAction) -> None:
        """Change shares, average cost and mark; the cash comes as a transaction. Raises InputError."""
        if (holding := self.holdings.get(action.symbol)) is not None:
            self._transform(action, holding)
        if (mark := self.marks.get(action.symbol)) is not None:
            self.marks[action.symbol] = Mark(price_after(mark.close, action), mark.bar_id)

    def mark(self, bars: Iterable[Bar]) -> None:
        """Take the bars' closes as the last known prices of what is held."""
        for bar in bars:
            if bar.symbol in self.holdings:
                self.marks[bar.symbol] = Mark(bar.close, bar.bar_id)

    def equity(self) -> Decimal:
        """Cash and holdings at their last closes, USD; raises LedgerError where a holding has none."""
        values = (holding.quantity * self.last(symbol).close for symbol, holding in self.holdings.items())
        return self.cash + sum(values, Decimal(0))

    def last(self, symbol: str) -> Mark:
        """The last known close of `symbol`; raises LedgerError where there is none."""
        try:
            return self.marks[symbol]
        except KeyError:
            expected = f"{symbol} has no close to value it at: bring its bars into the record"
            raise LedgerError(f"account {self.account_id}: {expected}") from None

    def positions(self, session_date: date) -> list[Position]:
        """A row for every holding, by symbol, at its last close."""
        return [self._position(symbol, holding, session_date) for symbol, holding in sorted(self.holdings.items())]

    def balance(self, session_date: date) -> Balance:
        """Cash and equity at the last closes."""
        return Balance(self.account_id, session_date, self.cash, self.equity())

    def _transform(self, action: CorporateAction, holding: Holding) -> None:
        after = dict(holdings_after(action, holding))
        opened_date = self.opened_dates[action.symbol]
        self._hold(action.symbol, after.pop(action.symbol, None))
        for symbol, received in after.items():
            self._receive(symbol, received, opened_date=opened_date)

    def _receive(self, symbol: str, received: Holding, *, opened_date: date) -> None:
        """Add what was received to what is held of the symbol already; the earlier opening counts for both."""
        held = self.holdings.get(symbol)
        after = traded(held, change=received.quantity, price=received.average_cost)
        if held is None or (after is not None and after.quantity * held.quantity < 0):
            self.opened_dates[symbol] = opened_date
        elif held.quantity * received.quantity > 0:
            self.opened_dates[symbol] = min(opened_date, self.opened_dates[symbol])
        self._hold(symbol, after)

    def _hold(self, symbol: str, holding: Holding | None) -> None:
        if holding is not None:
            self.holdings[symbol] = holding
            return
        for of_holding in (self.holdings, self.opened_dates, self.marks):
            of_holding.pop(symbol, None)

    def _position(self, symbol: str, holding: Holding, session_date: date) -> Position:
        mark = self.last(symbol)
        position = Position(
            position_id="",
            account_id=self.account_id,
            symbol=symbol,
            session_date=session_date,
            quantity=holding.quantity,
            average_cost=holding.average_cost,
            close=mark.close,
            unrealized_pnl=holding.quantity * (mark.close - holding.average_cost),
            opened_date=self.opened_dates[symbol],
            bar_id=mark.bar_id,
        )
        return identified("pos", position)


def holdings_of(positions: Iterable[Position]) -> Mapping[str, Holding]:
    """The holdings that position rows of one close describe, by symbol."""
    return {row.symbol: Holding(row.quantity, row.average_cost) for row in positions}
