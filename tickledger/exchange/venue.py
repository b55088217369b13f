"""The venue: a market replayed from a tape, and the broker that takes orders to it and keeps the accounts.

It has no clock: time is moved by `advance`, and everything until then happens in order. What is asked of it (`submit`,
`modify`, `cancel`) is answered by events, at once where nothing delays it, else by a later `advance`. The same tape,
settings and calls give the same events. Nothing raises for what an order says: refusals are updates with IB's codes
(`venue_checks` lists them).

    answer to                          comes as
    an order that is refused           REJECTED with 201 or another code
    a key that was used before         the earlier order's update, with 103
    cancel of an order at work         CANCELLED with 202, or its fills, where these were faster than the latency
    cancel of an unknown, a done one   REJECTED with 10147; the order's last update with 10148
    modify of an unknown, a done one   REJECTED with 10147; the order's last update with 104
    modify that is refused             the order's update with the code; it works on as it was

A fill is inside the range of its minute, or outside it by a spread of the quote at most (see `venue_path`), unless
quotes were recorded: then it is at one of these, or at an order's limit that the market traded through.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from tickledger.bars.calendars import is_session, session_close, session_open, sessions
from tickledger.domain.bar import Print, Quote
from tickledger.domain.position import Holding
from tickledger.exchange.fees import OrderProgress
from tickledger.exchange.venue_account import VenueAccount
from tickledger.exchange.venue_algo_work import AlgoWork
from tickledger.exchange.venue_book import Place, Working
from tickledger.exchange.venue_calendar import Calendar, session_at
from tickledger.exchange.venue_checks import Refusal
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_feed import NEVER, TICK_RANK, Feed
from tickledger.exchange.venue_messages import Messages, Preview, answer, where
from tickledger.exchange.venue_moves import Moves
from tickledger.exchange.venue_orders import (
    AccountState,
    Halt,
    MinuteBar,
    OrderUpdate,
    VenueEvent,
    VenueFill,
    VenueOrder,
)
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_state import MESSAGE_RANK, VenueState
from tickledger.exchange.venue_tape import EARLY_HOURS, MarketTape, trading_date

_A_MOMENT: Final = timedelta(microseconds=1)
_A_YEAR: Final = timedelta(days=365)
_A_FORTNIGHT: Final = timedelta(days=14)


class Venue:
    """A simulated market and broker over a tape."""

    def __init__(self, tape: MarketTape, settings: VenueSettings) -> None:
        starts_at = settings.starts_at or _first_open(tape)
        day = session_at(starts_at)
        began_at = session_open(day) - EARLY_HOURS
        self._state = VenueState(settings, tape, Feed(tape), now=min(began_at, starts_at), session_date=day)
        self._state.shortable = None if settings.shortable is None else dict(settings.shortable)
        self._state.actions_through = _session_before(day)
        self._desk = Desk(self._state)
        self._algos = AlgoWork(self._desk)
        self._desk.begin_algo = self._algos.begin
        self._messages = Messages(self._desk, self._algos)
        self._moves = Moves(self._desk)
        Calendar(self._desk).plan(day)
        self.advance(starts_at)
        for account_id, cash in settings.accounts.items():
            held = {
                name: self._valued(name, holding) for name, holding in settings.holdings.get(account_id, {}).items()
            }
            self._state.accounts[account_id] = VenueAccount.opened(account_id, cash, day, held)
        if settings.watches_all:
            for symbol in tape.symbols:
                self.watch(symbol)

    def _valued(self, symbol: str, holding: Holding) -> tuple[Holding, Decimal]:
        """What is held with the last price, or its cost where the symbol has never traded."""
        return holding, self._state.price_of(symbol) or holding.average_cost

    @property
    def now(self) -> datetime:
        """The venue's time, UTC."""
        return self._state.now

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that can be traded, in order."""
        return self._state.tape.symbols

    @property
    def is_open(self) -> bool:
        """Whether the regular session is on."""
        return self._state.is_open

    @property
    def is_lending(self) -> bool:
        """Whether accounts may owe cash or shares."""
        return self._state.settings.is_lending

    @property
    def session_date(self) -> date:
        """Today's session; the next one once late trading is over, and on other days."""
        return self._state.session_date

    def session_times(self, day: date) -> tuple[datetime, datetime] | None:
        """When the regular session of a day opens and closes; None where the exchange is closed."""
        return (session_open(day), session_close(day)) if is_session(day) else None

    def submit(self, order: VenueOrder) -> list[VenueEvent]:
        """Send an order in; never raises for what is wrong with it."""
        earlier = self._desk.orders.get(order.order_key)
        if earlier is not None:
            told = answer(earlier, order.order_key, Refusal(103, "Duplicate order id"), self.now)
            return [told]
        working = Working(order, accepted_at=self.now)
        self._desk.orders[order.order_key] = working
        return self._deliver(partial(self._messages.accept, working))

    def restore(
        self, order: VenueOrder, progress: OrderProgress, fills: int, *, since: datetime | None = None
    ) -> list[VenueEvent]:
        """Let an order go on that an earlier run left working, `since` when it has been, with its `fills` so far.

        It is not asked anew whether it may; a stop that the market has reached since then, or of which a part is
        filled, is set off, while a trail begins anew. Raises ValueError for a key that is used, or an unknown account.
        """
        self._messages.restore(order, progress, fills, since=since or self.now)
        return self._state.told()

    def deposit(self, account_id: str, amount: Decimal) -> None:
        """Add cash to an account, USD, or take it out; no gain. Raises KeyError for an account that does not exist."""
        self._state.accounts[account_id].receive(amount)

    def modify(self, order: VenueOrder) -> list[VenueEvent]:
        """Ask that `order` take the place of the one under the same key."""
        return self._deliver(partial(self._messages.modify, order))

    def cancel(self, order_key: int) -> list[VenueEvent]:
        """Ask that an order end."""
        return self._deliver(partial(self._messages.cancel, order_key))

    def _deliver(self, message: Callable[[], None]) -> list[VenueEvent]:
        latency = self._state.settings.effective_latency
        if latency:
            self._state.agenda.plan(self.now + latency, MESSAGE_RANK, message)
        else:
            message()
        return self._state.told()

    def advance(self, to: datetime) -> list[VenueEvent]:
        """Let everything happen up to and including an instant; raises ValueError for one that is past."""
        state, agenda, feed = self._state, self._state.agenda, self._state.feed
        if to < state.now:
            raise ValueError(f"expected a time from {state.now} on, found {to}")
        while True:
            due, tick_due = agenda.next_due, feed.next_due
            at, rank = min(due, tick_due)
            if at > to:
                break
            state.now, state.is_before_ticks = at, rank < TICK_RANK
            if due < tick_due:
                agenda.pop()()
            else:
                self._moves.take_next()
        state.now, state.is_before_ticks = to, False
        return state.told()

    def next_event_at(self) -> datetime | None:
        """When the next thing happens, if nobody asks for anything; None where nothing will."""
        at = min(self._state.agenda.next_due, self._state.feed.next_due)[0]
        return None if at == NEVER else at

    def watch(self, symbol: str) -> None:
        """Tell quotes, prints and minutes of a symbol from now on."""
        self._moves.watch(symbol)

    def unwatch(self, symbol: str) -> None:
        """Tell them no longer."""
        self._moves.watched.discard(symbol)

    def quote(self, symbol: str) -> Quote | None:
        """The last quote of a symbol, of an earlier session where there is none of today; None before the first."""
        return self._state.market(symbol).quote

    def last(self, symbol: str) -> Print | None:
        """The last print of a symbol, in terms of today's shares; None before the first."""
        return self._state.market(symbol).last

    def is_halted(self, symbol: str) -> bool:
        """Whether trading of a symbol is stopped."""
        return self._state.market(symbol).is_halted

    def halt(self, symbol: str) -> list[VenueEvent]:
        """Stop the trading of a symbol: nothing of it is told or filled until it is resumed."""
        market = self._state.market(symbol)
        if not market.is_halted:
            market.is_halted = True
            self._state.events.append(Halt(symbol, self.now, is_halted=True))
        return self._state.told()

    def resume(self, symbol: str) -> list[VenueEvent]:
        """Let a symbol trade again, from the quote that now stands."""
        market = self._state.market(symbol)
        if market.is_halted:
            market.is_halted = False
            market.previous = None
            self._state.events.append(Halt(symbol, self.now, is_halted=False))
            if market.is_tradable and market.quote is not None:
                market.quote = replace(market.quote, quoted_at=self.now)
                self._state.events.append(market.quote)
                self._desk.on_quote(market)
        return self._state.told()

    def set_shortable(self, symbol: str, shares: int) -> list[VenueEvent]:
        """Tell how many shares can be borrowed from now on; orders that wait for them go on where they suffice."""
        if self._state.shortable is None:
            self._state.shortable = {}
        self._state.shortable[symbol] = shares
        self._desk.route_all()
        return self._state.told()

    def fill_now(self, order_key: int, quantity: Decimal) -> list[VenueEvent]:
        """Fill up to `quantity` of an order in the market at its limit, or at the quote, whatever others would pay.

        A fill that nobody expects: it crosses a cancellation on its way. Nothing happens to an order elsewhere.
        """
        working = self._desk.orders.get(order_key)
        if working is not None and working.is_active and working.place is Place.BOOK:
            quote = self.quote(working.order.symbol)
            side = None if quote is None else quote.ask if working.order.is_buy else quote.bid
            price = working.order.limit_price or side
            amount = min(quantity, working.remaining)
            if price is not None and amount > 0:
                self._desk.execute(working, amount, price, True)
        return self._state.told()

    def reprice(self, execution_id: str, change: Decimal) -> None:
        """Correct the price of a fill by `change` USD a share, as an exchange does afterwards; raises KeyError."""
        fills = self._desk.fills
        place = next((place for place, fill in enumerate(fills) if fill.execution_id == execution_id), None)
        if place is None:
            raise KeyError(execution_id)
        fill = fills[place]
        fills[place] = replace(fill, price=fill.price + change)
        signed = fill.quantity if fill.is_buy else -fill.quantity
        self._state.accounts[fill.account_id].reprice(fill.symbol, signed, change)

    def order(self, order_key: int) -> VenueOrder:
        """An order as it is now, whether done or not; raises KeyError for an unknown key."""
        return self._desk.orders[order_key].order

    def trigger_price(self, order_key: int) -> Decimal | None:
        """Where the trigger of a stop is now, as a trail has moved it; None where there is none, or not yet.

        Raises KeyError for an unknown key.
        """
        return self._desk.orders[order_key].stop

    def update(self, order_key: int) -> OrderUpdate:
        """The last that was told of an order; raises KeyError for an unknown key."""
        return where(self._desk.orders[order_key])

    def working(self) -> list[VenueOrder]:
        """The orders that can still trade, the earliest first."""
        return [working.order for working in self._desk.in_priority()]

    def fills(self, account_id: str | None = None) -> list[VenueFill]:
        """All fills so far, or those of one account, in order."""
        return [fill for fill in self._desk.fills if account_id in {None, fill.account_id}]

    def account(self, account_id: str) -> AccountState:
        """An account as it stands; raises KeyError for one that does not exist."""
        return self._state.accounts[account_id].state(self._state.settings, self._state.price_of)

    def preview(self, order: VenueOrder) -> Preview:
        """What an order would do to its account, without sending it; raises KeyError for an unknown account."""
        return self._messages.preview(order)

    def history(
        self, symbol: str, *, until: datetime, since: datetime | None = None, is_daily: bool = False
    ) -> Sequence[MinuteBar]:
        """Complete minutes (or sessions, stamped at 00:00Z of their date) of a symbol up to `until`, raw.

        From `since` on; without it, those of the session of `until`, or a year of sessions. Nothing of the venue's
        future is told, whatever `until` says.
        """
        tape, end = self._state.tape, min(until, self.now)
        if is_daily:
            return tape.daily_bars(symbol, since=(since or end - _A_YEAR).date(), until=end)
        return tape.minute_bars(symbol, since=since or _start_of_day(end), until=end)


def _start_of_day(at: datetime) -> datetime:
    """When the session of an instant, or the last one before it, began with early trading."""
    day = trading_date(at)
    earlier = sessions(day - _A_FORTNIGHT, day)
    return session_open(earlier[-1]) - EARLY_HOURS if earlier else at


def _session_before(day: date) -> date:
    """The last session before one: actions of the days off between them take effect in that."""
    return max(sessions(day - _A_FORTNIGHT, day - timedelta(days=1)), default=day - timedelta(days=1))


def _first_open(tape: MarketTape) -> datetime:
    if tape.first_day is None:
        raise ValueError("expected a tape with bars, or settings with a start, found neither")
    return session_open(session_at(datetime.combine(tape.first_day, time(12), tzinfo=UTC)))
