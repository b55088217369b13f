"""Parent orders at work: what happened goes to the algorithm, what it decides goes to the broker.

What belongs here: the state of parents and children, the child orders themselves, and the order in which they are
sent. It is driven by whoever runs the session: `take_market`, `take_states` (or `take_report` and
`take_execution` where no order manager stands between), `take_timer`. Nothing here waits or asks the market.

A child is in the state before it is sent, so whatever happens meanwhile counts it as committed. Sends leave in the
order in which they were decided, also when a broker answers before the call that sends has returned.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from tickledger.domain.errors import BrokerUnavailableError, LedgerError, OrderError, Problem
from tickledger.domain.execution import Execution
from tickledger.domain.ids import identified
from tickledger.domain.order import Order, OrderModification, OrderReport, OrderStatus, OrderType
from tickledger.domain.ports import Clock
from tickledger.execution.algos.parent import (
    Algorithm,
    AlgoState,
    Cancel,
    ChildAction,
    ChildOrder,
    Children,
    Done,
    MarketView,
    Modify,
    ParentOrder,
    Place,
)
from tickledger.execution.algos.pricing import is_beyond
from tickledger.execution.order_state import NEXT_STATES, TERMINAL, OrderState

_INSTANT: Final = timedelta(microseconds=1)


class OrderDesk(Protocol):
    """Where children are sent: an order manager, or a broker.

    What raises BrokerUnavailableError, OrderError or LedgerError was not sent: the broker is out of reach, the order
    is refused, the record does not take it. After any other exception nobody knows.
    """

    async def place(self, order: Order) -> object: ...

    async def cancel(self, order_id: str) -> object: ...

    async def modify(self, order_id: str, modification: OrderModification) -> object: ...


@dataclass(slots=True)
class _Work:
    """A parent with its algorithm, the market as it was last told, and the fills that were counted."""

    algorithm: Algorithm
    state: AlgoState
    market: MarketView = field(default_factory=MarketView)
    last_volume: int | None = None
    execution_ids: set[str] = field(default_factory=set)

    def change(self, order_id: str, **changes: object) -> None:
        """Set fields of a child."""
        children = (
            replace(child, **changes) if child.order.order_id == order_id else child  # type: ignore[arg-type]
            for child in self.state.children
        )
        self.state = replace(self.state, children=Children(children))

    def child(self, order_id: str) -> ChildOrder:
        """One of the children."""
        return next(child for child in self.state.children if child.order.order_id == order_id)


@dataclass(frozen=True, slots=True)
class _Send:
    """A call that is still to be made for a child; `failed` sets right what was taken for granted before it.

    It says whether the failure is to be raised.
    """

    call: Callable[[], Awaitable[object]]
    failed: Callable[[Exception], bool]


class ParentOrders:
    """The parent orders of a session; one may follow the other in the same symbol, or work beside it.

    `problems` collects the children that were refused before they were sent, for the caller to show.
    """

    def __init__(self, *, desk: OrderDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._works: dict[str, _Work] = {}
        self._parent_of: dict[str, str] = {}
        self._outbox: deque[_Send] = deque()
        self._is_sending = False
        self.problems: list[Problem] = []

    def state(self, parent_order_id: str) -> AlgoState:
        """What is known of a parent; raises OrderError for one that was never started."""
        return self._work(parent_order_id).state

    def open_parents(self) -> list[AlgoState]:
        """The parents that are not done, and those that are with children still working."""
        states = (work.state for work in self._works.values())
        return [state for state in states if state.done is None or state.working]

    async def start(self, parent: ParentOrder, algorithm: Algorithm) -> None:
        """Begin to work a parent; raises OrderError for one that is known already."""
        self._add(parent, algorithm)
        await self._run(self._works[parent.order.order_id])

    async def resume(self, parent: ParentOrder, algorithm: Algorithm, children: Iterable[OrderState]) -> None:
        """Go on with a parent after a restart, from its children as the order manager has them.

        Everything that was sent counts, so the total stays the parent's. The volume of the market is counted from
        here on, and so is the part in it. Raises OrderError where a child is not one of this parent's.
        """
        work = self._add(parent, algorithm)
        now = self._clock.now()
        ordered = sorted(children, key=lambda child: (child.order.submitted_at, child.order.order_id))
        restored = Children(_restored(child, parent, now) for child in ordered)
        work.state = replace(work.state, children=restored)
        work.state = replace(work.state, filled_before=work.state.filled)
        self._parent_of.update((child.order.order_id, parent.order.order_id) for child in restored)
        await self._run(work)

    async def cancel(self, parent_order_id: str) -> None:
        """Cancel a parent: its children are taken back, and it is done once none of them works."""
        work = self._work(parent_order_id)
        work.state = replace(work.state, is_cancelling=True)
        await self._run(work)

    async def take_market(self, symbol: str, market: MarketView) -> None:
        """A new quote, a halt, more volume: the view of one symbol as it is now."""
        now = self._clock.now()
        for work in list(self._works.values()):
            if work.state.parent.order.symbol == symbol:
                _observe(work, market, now)
                await self._run(work)

    async def take_timer(self) -> None:
        """Time went by; to be called every second or so."""
        for work in list(self._works.values()):
            await self._run(work)

    async def take_states(self, states: Iterable[OrderState]) -> None:
        """Orders as the order manager has them: the truth, whatever was told before. Others' orders are passed over.

        A child that is over by its status, but of which the broker has to be asked, counts as unknown.
        """
        changed: dict[str, _Work] = {}
        now = self._clock.now()
        for state in states:
            work = self._work_of(state.order.order_id)
            if work is not None and _adopt(work, state, now):
                changed[work.state.parent.order.order_id] = work
        for work in changed.values():
            await self._run(work)

    async def take_report(self, report: OrderReport, *, filled_quantity: Decimal | None = None) -> None:
        """A step of an order as a broker tells it; `filled_quantity` where it says how much was filled in all.

        A step that is not possible (a status that came late) changes nothing; others' orders are passed over.
        """
        work = self._work_of(report.order_id)
        if work is None or report.status not in NEXT_STATES[work.child(report.order_id).status]:
            return
        changes: dict[str, object] = {"status": report.status}
        if report.status in TERMINAL:
            changes |= {"ended_at": self._clock.now(), "told_filled": filled_quantity}
        work.change(report.order_id, **changes)
        await self._run(work)

    async def take_execution(self, execution: Execution) -> None:
        """A fill, counted once by its id, also after the child was thought to be over."""
        work = self._work_of(execution.order_id)
        if work is None or execution.execution_id in work.execution_ids:
            return
        work.execution_ids.add(execution.execution_id)
        filled = work.child(execution.order_id).filled_quantity + execution.quantity
        work.change(execution.order_id, filled_quantity=filled)
        await self._run(work)

    def _add(self, parent: ParentOrder, algorithm: Algorithm) -> _Work:
        if parent.order.order_id in self._works:
            raise OrderError(f"parent order {parent.order.order_id}: expected a new one, found it at work already")
        work = _Work(algorithm, AlgoState(parent))
        self._works[parent.order.order_id] = work
        return work

    def _work(self, parent_order_id: str) -> _Work:
        try:
            return self._works[parent_order_id]
        except KeyError:
            raise OrderError(f"parent order {parent_order_id}: expected one that was started, found none") from None

    def _work_of(self, order_id: str) -> _Work | None:
        parent_order_id = self._parent_of.get(order_id)
        return None if parent_order_id is None else self._works[parent_order_id]

    async def _run(self, work: _Work) -> None:
        now = self._clock.now()
        for action in work.algorithm.decide(work.state, now, work.market):
            self._enter(work, action, now)
        await self._send()

    def _enter(self, work: _Work, action: ChildAction, now: datetime) -> None:
        """Take a decision into the state and put its call into the outbox."""
        match action:
            case Place():
                order = self._child(work, action, now)
                child = ChildOrder(order, action.limit_price, changed_at=now)
                work.state = replace(work.state, children=Children((*work.state.children, child)))
                self._parent_of[order.order_id] = work.state.parent.order.order_id
                self._outbox.append(
                    _Send(lambda: self._desk.place(order), lambda error: self._not_placed(work, order.order_id, error))
                )
            case Cancel(order_id=order_id):
                work.change(order_id, cancel_asked_at=now)
                # Asked again after a while, as any cancellation that is not answered.
                self._outbox.append(_Send(lambda: self._desk.cancel(order_id), _is_more_than_unavailable))
            case Modify(order_id=order_id, modification=modification):
                before = work.child(order_id).limit_price
                price = _checked(modification.limit_price, work.state.parent)
                work.change(order_id, limit_price=price, changed_at=now)
                self._outbox.append(
                    _Send(
                        lambda: self._desk.modify(order_id, modification),
                        lambda error: _not_modified(work, order_id, before, error),
                    )
                )
            case Done(reason=reason):
                work.state = replace(work.state, done=reason)

    def _child(self, work: _Work, place: Place, now: datetime) -> Order:
        """The child order; raises OrderError where the algorithm asks for more than is left, or beyond the limit."""
        parent = work.state.parent
        free = work.state.uncommitted(now, work.algorithm.terms)
        if not 0 < place.quantity <= free:
            raise OrderError(
                f"parent order {parent.order.order_id}: expected a child of at most {free} shares, found "
                f"{place.quantity}"
            )
        order = replace(
            parent.order,
            order_id="",
            order_type=OrderType.LIMIT,
            quantity=place.quantity,
            limit_price=_checked(place.limit_price, parent),
            time_in_force=place.time_in_force,
            submitted_at=now,
            parent_order_id=parent.order.order_id,
        )
        return self._distinct(order)

    def _distinct(self, order: Order) -> Order:
        """`order` with its id; a second child alike in everything is told apart by a microsecond."""
        named = identified("ord", order)
        while named.order_id in self._parent_of:
            order = replace(order, submitted_at=order.submitted_at + _INSTANT)
            named = identified("ord", order)
        return named

    async def _send(self) -> None:
        """Make the calls of the outbox in order; whoever is at it already makes those added meanwhile as well.

        All are made, whatever becomes of one of them, because those behind it may be cancellations; the first failure
        that is no matter of waiting is raised after them.
        """
        if self._is_sending:
            return
        failures: list[Exception] = []
        self._is_sending = True
        try:
            while self._outbox:
                send = self._outbox.popleft()
                try:
                    await send.call()
                except Exception as error:  # noqa: BLE001  judged by kind, and raised below
                    if send.failed(error):
                        failures.append(error)
        finally:
            self._is_sending = False
        if failures:
            raise failures[0]

    def _not_placed(self, work: _Work, order_id: str, error: Exception) -> bool:
        """Set right a child that could not be placed; whether to raise the failure.

        With the broker out of reach it never was, and is decided on anew after a pause. One that was refused ends as
        rejected, and so does one that the record does not take, which is raised: the session cannot go on like that.
        Where nobody knows what has left, it is unknown, and counts.
        """
        now = self._clock.now()
        if isinstance(error, BrokerUnavailableError):
            left = Children(child for child in work.state.children if child.order.order_id != order_id)
            paused_until = now + work.algorithm.terms.rejection_pause
            work.state = replace(work.state, children=left, paused_until=paused_until)
            del self._parent_of[order_id]
            return False
        if isinstance(error, OrderError | LedgerError):
            work.change(order_id, status=OrderStatus.REJECTED, ended_at=now)
            parent_order_id = work.state.parent.order.order_id
            self.problems.append(Problem(f"parent order {parent_order_id}", "a child that may be sent", str(error)))
            return isinstance(error, LedgerError)
        if work.child(order_id).is_working:
            work.change(order_id, status=OrderStatus.UNKNOWN)
        return True


def _is_more_than_unavailable(error: Exception) -> bool:
    return not isinstance(error, BrokerUnavailableError)


def _not_modified(work: _Work, order_id: str, price: Decimal, error: Exception) -> bool:
    """The child stands where it stood; that it is over meanwhile, or the broker out of reach, is no failure."""
    work.change(order_id, limit_price=price)
    return not isinstance(error, BrokerUnavailableError | OrderError)


def _adopt(work: _Work, state: OrderState, now: datetime) -> bool:
    """Take a child as the order manager has it; whether that changed anything."""
    known = work.child(state.order.order_id)
    status = _status(state)
    is_over = status in TERMINAL
    is_same = (known.status, known.filled_quantity, known.order) == (status, state.filled_quantity, state.order)
    if is_same:
        return False
    changes: dict[str, object] = {"status": status, "filled_quantity": state.filled_quantity, "order": state.order}
    if state.order.limit_price not in {None, known.order.limit_price}:
        changes["limit_price"] = state.order.limit_price
    if is_over != (known.ended_at is not None):
        changes["ended_at"] = now if is_over else None
    if not is_over and not known.is_working:
        changes["cancel_asked_at"] = None
    work.change(state.order.order_id, **changes)
    return True


def _status(state: OrderState) -> OrderStatus:
    return OrderStatus.UNKNOWN if state.is_terminal and state.needs_snapshot else state.status


def _restored(state: OrderState, parent: ParentOrder, now: datetime) -> ChildOrder:
    order = state.order
    found = (order.parent_order_id, order.symbol, order.side)
    if found != (parent.order.order_id, parent.order.symbol, parent.order.side) or order.limit_price is None:
        raise OrderError(
            f"parent order {parent.order.order_id}: expected a limited child {parent.order.side} of "
            f"{parent.order.symbol}, found {order.order_id}: {order.side} of {order.symbol}, parent "
            f"{order.parent_order_id}, limit {order.limit_price}"
        )
    status = _status(state)
    return ChildOrder(
        order,
        order.limit_price,
        changed_at=order.submitted_at,
        status=status,
        filled_quantity=state.filled_quantity,
        ended_at=now if status in TERMINAL else None,
    )


def _checked(price: Decimal | None, parent: ParentOrder) -> Decimal:
    limit, side = parent.order.limit_price, parent.order.side
    if price is None or price <= 0 or (limit is not None and is_beyond(price, limit, side)):
        raise OrderError(f"parent order {parent.order.order_id}: expected a price within {limit}, found {price}")
    return price


def _observe(work: _Work, market: MarketView, now: datetime) -> None:
    """Take a view in, and count the shares that traded since the last one inside the window.

    A count that falls was begun anew (the feed came back, another session): what it says from then on is added.
    """
    parent, last = work.state.parent, work.last_volume
    work.market, work.last_volume = market, market.volume
    if last is not None and market.volume > last and parent.starts_at <= now < parent.ends_at:
        traded = work.state.observed_volume + market.volume - last
        work.state = replace(work.state, observed_volume=traded)
