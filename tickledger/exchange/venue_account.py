"""The broker's books of one account: cash, what is settled of it, holdings at average cost, and margin.

As at IB, the average cost of a holding includes what was paid to acquire it, and a realized gain is net of charges:

    equity = opening cash + dividends + realized + unrealized
    equity = equity at the last close + the day's gains of holdings, those that were paid out for cash included

Sales and purchases settle by the rule of their trade date: three sessions later, two since 2017-09-05, one since
2024-05-28. Dividends and the like are settled when they are booked.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.bars.calendars import sessions
from tickledger.domain.position import Holding
from tickledger.exchange.venue_orders import AccountHolding, AccountState
from tickledger.exchange.venue_settings import VenueSettings

_NOTHING: Final = Decimal(0)
_COST_INCREMENT: Final = Decimal("0.00000001")
#: From each date on, trades settle so many sessions after their date.
_SETTLEMENT: Final = ((date.min, 3), (date(2017, 9, 5), 2), (date(2024, 5, 28), 1))
_LONGEST_SETTLEMENT: Final = timedelta(days=14)


@dataclass(slots=True)
class _Held:
    """Signed shares and what they cost in all, signed as they are; `realized` is of today.

    `day_cost` is what the shares were worth at the close before today and what was paid since, `next_day_cost` the same
    from the last close on.
    """

    quantity: Decimal = _NOTHING
    cost: Decimal = _NOTHING
    realized: Decimal = _NOTHING
    day_cost: Decimal = _NOTHING
    next_day_cost: Decimal = _NOTHING

    def trade(self, signed: Decimal, value: Decimal, charges: Decimal) -> Decimal:
        """Book a trade of `signed` shares for `value` USD (signed alike); returns the gain it realized."""
        self.pay(value + charges)
        closed = _closed(self.quantity, signed)
        part = closed / -signed if closed else _NOTHING
        released = self.cost * closed / self.quantity if closed else _NOTHING
        gain = -part * (value + charges) - released if closed else _NOTHING
        self._move(signed, released=released, opened=(1 - abs(part)) * (value + charges))
        self.realized += gain
        return gain

    def pay(self, amount: Decimal) -> None:
        """Count USD paid for the shares, received where negative, into the day's gain."""
        self.day_cost += amount
        self.next_day_cost += amount

    def _move(self, signed: Decimal, *, released: Decimal, opened: Decimal) -> None:
        self.quantity += signed
        self.cost = self.cost - released + opened if self.quantity else _NOTHING


def _closed(held: Decimal, signed: Decimal) -> Decimal:
    """How many of the `held` shares a trade of `signed` shares takes away, signed as they are."""
    if held * signed >= 0:
        return _NOTHING
    return held if abs(signed) >= abs(held) else -signed


@dataclass(slots=True)
class VenueAccount:
    """The books of one account.

    `trade_date` is the session whose early trading began last; `previous_equity` was the equity at the close before
    it, `closing_equity` at the last close.
    """

    account_id: str
    cash: Decimal
    trade_date: date
    previous_equity: Decimal
    closing_equity: Decimal
    held: dict[str, _Held] = field(default_factory=dict)
    unsettled: list[tuple[date, Decimal]] = field(default_factory=list)

    @classmethod
    def opened(
        cls, account_id: str, cash: Decimal, trade_date: date, holdings: Mapping[str, tuple[Holding, Decimal]]
    ) -> "VenueAccount":
        """An account with cash and holdings, each with the price from which its gain of the day counts."""
        held = {
            symbol: _Held(
                quantity=holding.quantity,
                cost=holding.quantity * holding.average_cost,
                day_cost=holding.quantity * price,
                next_day_cost=holding.quantity * price,
            )
            for symbol, (holding, price) in holdings.items()
        }
        equity = cash + sum((one.day_cost for one in held.values()), _NOTHING)
        return cls(account_id, cash, trade_date, previous_equity=equity, closing_equity=equity, held=held)

    def quantity(self, symbol: str) -> Decimal:
        """The signed shares of `symbol`."""
        held = self.held.get(symbol)
        return _NOTHING if held is None else held.quantity

    def trade(self, symbol: str, signed: Decimal, price: Decimal, charges: Decimal) -> Decimal:
        """Book a fill of `signed` shares at `price`; returns the gain it realized, net of its charges."""
        value = signed * price
        self.cash -= value + charges
        self.unsettled.append((settles_on(self.trade_date), -value - charges))
        return self.held.setdefault(symbol, _Held()).trade(signed, value, charges)

    def receive(self, amount: Decimal) -> None:
        """Book cash that was paid in, or out where negative: no gain of any day."""
        self.cash += amount
        self.previous_equity += amount
        self.closing_equity += amount

    def reprice(self, symbol: str, signed: Decimal, change: Decimal) -> None:
        """Book that a trade of `signed` shares was at `change` USD more: cost where they are held, else gain."""
        value = signed * change
        self.cash -= value
        self.unsettled.append((settles_on(self.trade_date), -value))
        held = self.held.setdefault(symbol, _Held())
        held.pay(value)
        if held.quantity * signed > 0:
            held.cost += value
        else:
            held.realized -= value

    def close_session(self, price_of: Callable[[str], Decimal]) -> None:
        """The session closes: what comes after counts into the next day."""
        self.closing_equity = self.equity(price_of)
        for symbol, held in self.held.items():
            held.next_day_cost = held.quantity * price_of(symbol)

    def begin_session(self, trade_date: date) -> None:
        """The day changes: today's gains start from nothing, and what is due settles."""
        self.trade_date = trade_date
        self.previous_equity = self.closing_equity
        self.unsettled = [(day, amount) for day, amount in self.unsettled if day > trade_date]
        self.held = {symbol: held for symbol, held in self.held.items() if held.quantity or held.next_day_cost}
        for held in self.held.values():
            held.realized, held.day_cost = _NOTHING, held.next_day_cost

    def replace_holding(self, symbol: str, after: dict[str, Holding], cash: Decimal) -> None:
        """Put what a corporate action made of a holding in its place, and book what it paid."""
        self.cash += cash
        before = self.held.pop(symbol, _Held())
        before.pay(-cash)
        whole = sum((holding.quantity * holding.average_cost for holding in after.values()), _NOTHING)
        for name, holding in after.items():
            held = self.held.setdefault(name, _Held())
            cost = holding.quantity * holding.average_cost
            part = cost / whole if whole else Decimal(1) / len(after)
            held.quantity += _plain(holding.quantity)
            held.cost += cost
            held.day_cost += before.day_cost * part
            held.next_day_cost += before.next_day_cost * part

    def holding(self, symbol: str) -> Holding | None:
        """The shares of `symbol` with their average cost; None where there are none."""
        held = self.held.get(symbol)
        if held is None or not held.quantity:
            return None
        return Holding(held.quantity, held.cost / held.quantity)

    def gross(self, price_of: Callable[[str], Decimal]) -> Decimal:
        """The market value of all holdings, long or short, USD."""
        return sum((abs(held.quantity) * price_of(symbol) for symbol, held in self.held.items()), _NOTHING)

    def equity(self, price_of: Callable[[str], Decimal]) -> Decimal:
        """Cash and the market value of what is held, USD."""
        return self.cash + sum((held.quantity * price_of(symbol) for symbol, held in self.held.items()), _NOTHING)

    def state(self, settings: VenueSettings, price_of: Callable[[str], Decimal]) -> AccountState:
        """The account as it stands at the prices that `price_of` tells by symbol."""
        holdings = tuple(_shown(symbol, held, price_of(symbol)) for symbol, held in sorted(self.held.items()))
        longs = sum((h.quantity * h.market_price for h in holdings if h.quantity > 0), _NOTHING)
        shorts = sum((-h.quantity * h.market_price for h in holdings if h.quantity < 0), _NOTHING)
        equity = self.cash + longs - shorts
        initial = (longs + shorts) * settings.initial_margin
        available = equity - initial
        return AccountState(
            account_id=self.account_id,
            cash=self.cash,
            settled_cash=self.cash - sum((amount for _, amount in self.unsettled), _NOTHING),
            equity=equity,
            gross_position_value=longs + shorts,
            buying_power=max(available, _NOTHING) / settings.initial_margin,
            available_funds=available,
            initial_margin=initial,
            maintenance_margin=longs * settings.maintenance_margin + shorts * settings.short_maintenance_margin,
            realized_pnl=sum((h.realized_pnl for h in holdings), _NOTHING),
            unrealized_pnl=sum(
                (held.quantity * price_of(symbol) - held.cost for symbol, held in self.held.items()), _NOTHING
            ),
            daily_pnl=equity - self.previous_equity,
            holdings=holdings,
        )


def _plain(quantity: Decimal) -> Decimal:
    """Whole shares without decimals, fractions as they are."""
    whole = quantity.to_integral_value()
    return whole if whole == quantity else quantity


def _shown(symbol: str, held: _Held, price: Decimal) -> AccountHolding:
    average = held.cost / held.quantity if held.quantity else _NOTHING
    rounded = average.quantize(_COST_INCREMENT, rounding=ROUND_HALF_UP)
    daily = held.quantity * price - held.day_cost
    return AccountHolding(symbol, held.quantity, rounded, price, held.realized, daily)


def settles_on(trade_date: date) -> date:
    """The session on which a trade of `trade_date` settles."""
    _, days = _SETTLEMENT[bisect_right(_SETTLEMENT, trade_date, key=lambda rule: rule[0]) - 1]
    ahead = sessions(trade_date, trade_date + _LONGEST_SETTLEMENT)
    return ahead[min(days, len(ahead) - 1)] if ahead else trade_date
