"""Obeying the kill switch: cancel everything, then close every position where that was asked for, once.

    cancel_all ──► no working orders in a snapshot ──► a market order for each position ──► carried out

Cancelling comes before anything else, the record included: it must also happen where the database is down. A position
is closed only after a snapshot that holds no working order of its symbol, so that no fill can come between; what the
snapshot says, not what we remember, is what is closed. Each request closes a symbol once: its order's id is a function
of the request, and orders that were sent are not cancelled when the request is taken up again by a later process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from tickledger.domain.broker import BrokerPosition, BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError, TickledgerError
from tickledger.domain.ids import deterministic_id
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.order import Order, OrderSide, OrderType, RiskDecision
from tickledger.domain.ports import Clock, RemoteBroker
from tickledger.domain.signal import OrderIntent
from tickledger.execution.intent_orders import order_of
from tickledger.execution.order_state import TERMINAL
from tickledger.risk.exposure import Exposure
from tickledger.risk.kill_switch import KillSwitch
from tickledger.risk.pre_trade import PreTradeRisk

_SMALLEST_PRICE: Final = Decimal("0.01")
_ACTOR: Final = "tickledger"


class KillSwitchRecord(Protocol):
    """Where the events of the switch are kept. Both raise TickledgerError where that does not answer."""

    def record(self, event: KillSwitchEvent) -> KillSwitchEvent: ...

    def events(self) -> Sequence[KillSwitchEvent]: ...


class FlatteningDesk(Protocol):
    """Where closing orders go: the decision and the order are durable before the order is sent.

    Whether it was sent now: an order whose id is in the journal already, whatever became of it, is not sent again.
    Raises TickledgerError where nothing was sent.
    """

    async def submit(self, order: Order, decision: RiskDecision) -> bool: ...


@dataclass(frozen=True, slots=True)
class Flattening:
    """What is needed to close positions: the rules, the desk, and the signal each position goes back to, by symbol.

    `prices` are last known prices, USD per share, for the record of the decision; the orders are market orders.
    """

    risk: PreTradeRisk
    desk: FlatteningDesk
    signal_ids: Mapping[str, str]
    session_date: date
    prices: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often the broker is asked whether all orders are gone, and how long to wait in between, seconds."""

    attempts: int = 20
    pause_seconds: float = 0.5
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class KillReport:
    """What was done about a request. `skipped` says by symbol why a position was not closed.

    `is_complete`: everything that was asked for was sent; whether it is filled, the order's reports tell.
    """

    request: KillSwitchEvent
    is_cancelled: bool
    flattened: tuple[Order, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    is_complete: bool = False


async def obey(
    record: KillSwitchRecord,
    *,
    account_id: str,
    broker: RemoteBroker,
    clock: Clock,
    flattening: Flattening | None = None,
    patience: Patience | None = None,
) -> list[KillReport]:
    """Carry out every request that is still to be carried out for `account_id`, in order.

    Raises TickledgerError where the events cannot be read; the state then counts as engaged.
    """
    switch = KillSwitch(record.events())
    return [
        await engage(
            request,
            switch=switch,
            record=record,
            account_id=account_id,
            broker=broker,
            clock=clock,
            flattening=flattening,
            patience=patience,
        )
        for request in switch.unanswered(account_id)
    ]


async def engage(
    request: KillSwitchEvent,
    *,
    record: KillSwitchRecord,
    account_id: str,
    broker: RemoteBroker,
    clock: Clock,
    flattening: Flattening | None = None,
    switch: KillSwitch | None = None,
    patience: Patience | None = None,
) -> KillReport:
    """Cancel all orders at the broker and, where `request` says so, close the account's positions.

    Never raises for the record or the broker: what went wrong is in the report and, where possible, in the record.
    """
    work = _Work(request, account_id, record, clock)
    already = (switch or KillSwitch()).flattened(request, account_id)
    if not already:
        await broker.cancel_all()
        work.note(KillSwitchEventKind.CANCEL_SENT, "every working order")
    if request.flattens:
        if flattening is None:
            work.fail("positions were to be closed, and whoever obeys the switch cannot trade")
        else:
            await _flatten(work, broker, flattening, already, patience or Patience())
    if work.is_complete:
        work.note(KillSwitchEventKind.CARRIED_OUT, work.summary())
    return work.report()


@dataclass(slots=True)
class _Work:
    """One request while it is being carried out."""

    request: KillSwitchEvent
    account_id: str
    record: KillSwitchRecord
    clock: Clock
    flattened: list[Order] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    is_complete: bool = True

    def note(self, kind: KillSwitchEventKind, reason: str, *, symbol: str | None = None) -> None:
        """Record a step; a record that does not answer holds nothing up."""
        step = KillSwitchEvent(
            kind=kind,
            actor=_ACTOR,
            reason=reason,
            occurred_at=self.clock.now(),
            answers=self.request.sequence,
            obeying_account=self.account_id,
            symbol=symbol,
        )
        try:
            self.record.record(step)
        except TickledgerError as error:
            self.problems.append(f"{kind} could not be recorded: {error}")

    def fail(self, reason: str, *, symbol: str | None = None) -> None:
        """Record what is not done, and has to be taken up again."""
        self.is_complete = False
        self.problems.append(reason if symbol is None else f"{symbol}: {reason}")
        self.note(KillSwitchEventKind.FAILED, reason, symbol=symbol)

    def skip(self, symbol: str, reason: str) -> None:
        """Record what will not be done."""
        self.skipped[symbol] = reason
        self.note(KillSwitchEventKind.FLATTEN_SKIPPED, reason, symbol=symbol)

    def summary(self) -> str:
        """What was done, in words."""
        parts = ["orders cancelled"]
        if self.request.flattens:
            parts.append(f"{len(self.flattened)} closing orders sent")
        if self.skipped:
            parts.append(f"not closed: {', '.join(sorted(self.skipped))}")
        return "; ".join(parts)

    def report(self) -> KillReport:
        """The work as it stands."""
        return KillReport(
            request=self.request,
            is_cancelled=True,
            flattened=tuple(self.flattened),
            skipped=dict(self.skipped),
            problems=tuple(self.problems),
            is_complete=self.is_complete,
        )


async def _flatten(
    work: _Work, broker: RemoteBroker, flattening: Flattening, already: frozenset[str], patience: Patience
) -> None:
    snapshot = await _settled(work, broker, already, patience)
    if snapshot is None:
        return
    busy = _busy(snapshot)
    for position in snapshot.positions:
        if position.account_id != work.account_id or not position.quantity or position.symbol in already:
            continue
        if position.symbol in busy:
            work.fail("an order of it still works at the broker", symbol=position.symbol)
        elif position.symbol not in flattening.signal_ids:
            work.skip(position.symbol, "no order of ours opened it: close it at the broker")
        else:
            await _close(work, position, snapshot, flattening)


async def _settled(
    work: _Work, broker: RemoteBroker, already: frozenset[str], patience: Patience
) -> BrokerSnapshot | None:
    """The last snapshot, without working orders where the broker was quick enough; None where it never answered."""
    snapshot: BrokerSnapshot | None = None
    trouble = ""
    for attempt in range(patience.attempts):
        if attempt:
            await patience.sleep(patience.pause_seconds)
        try:
            snapshot, trouble = await broker.snapshot(), ""
        except BrokerUnavailableError as error:
            # An older answer says nothing about now.
            snapshot, trouble = None, str(error)
            continue
        if not _busy(snapshot) - already:
            break
    if snapshot is None:
        work.fail(f"the broker did not tell its orders and positions: {trouble or 'it was not asked'}")
    return snapshot


def _busy(snapshot: BrokerSnapshot) -> frozenset[str]:
    """The symbols with an order that may still fill, whoever entered it."""
    return frozenset(order.symbol for order in snapshot.open_orders if order.status not in TERMINAL)


async def _close(work: _Work, position: BrokerPosition, snapshot: BrokerSnapshot, flattening: Flattening) -> None:
    intent = _intent(work, position, flattening)
    decision = flattening.risk.check(intent, _exposure(snapshot, work.account_id, intent))
    if not decision.is_approved:
        work.fail(f"risk refused to close it: {decision.reason}", symbol=position.symbol)
        return
    order_id = deterministic_id("ord", "kill switch", work.request.sequence, work.account_id, position.symbol)
    order = replace(order_of(intent, decision), order_id=order_id)
    try:
        is_sent = await flattening.desk.submit(order, decision)
    except TickledgerError as error:
        work.fail(str(error), symbol=position.symbol)
        return
    if not is_sent:
        work.skip(position.symbol, f"its closing order {order.order_id} was sent before and is over: ask again")
        return
    work.flattened.append(order)
    reason = f"{order.side} {order.quantity.normalize():f} at the market, order {order.order_id}"
    work.note(KillSwitchEventKind.FLATTEN_SENT, reason, symbol=position.symbol)


def _intent(work: _Work, position: BrokerPosition, flattening: Flattening) -> OrderIntent:
    known = flattening.prices.get(position.symbol, position.average_cost)
    return OrderIntent(
        account_id=work.account_id,
        symbol=position.symbol,
        side=OrderSide.SELL if position.quantity > 0 else OrderSide.BUY_TO_COVER,
        quantity=abs(position.quantity),
        order_type=OrderType.MARKET,
        reference_price=max(known, _SMALLEST_PRICE),
        signal_id=flattening.signal_ids[position.symbol],
        intended_at=work.clock.now(),
        session_date=flattening.session_date,
    )


def _exposure(snapshot: BrokerSnapshot, account_id: str, intent: OrderIntent) -> Exposure:
    """What the snapshot holds: enough for an order that only reduces, whose other numbers risk does not judge."""
    held = {row.symbol: row for row in snapshot.positions if row.account_id == account_id}
    prices = {symbol: max(row.average_cost, _SMALLEST_PRICE) for symbol, row in held.items()}
    prices[intent.symbol] = intent.reference_price
    value = sum((row.quantity * prices[symbol] for symbol, row in held.items()), Decimal(0))
    return Exposure(
        equity=snapshot.cash + value,
        cash=snapshot.cash,
        quantities={symbol: row.quantity for symbol, row in held.items()},
        prices=prices,
        average_costs={symbol: row.average_cost for symbol, row in held.items()},
    )
