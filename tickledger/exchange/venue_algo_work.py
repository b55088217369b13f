"""Working the orders that carry an algorithm: on every step another part is let out, and the rest stands elsewhere."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from tickledger.bars.calendars import session_close, session_open
from tickledger.exchange.venue_algos import AlgoPlan, Stand, plan_of, standing_limit
from tickledger.exchange.venue_book import Place, Working
from tickledger.exchange.venue_checks import cancelled
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_orders import VenueStatus
from tickledger.exchange.venue_state import MESSAGE_RANK


@dataclass(slots=True)
class AlgoWork:
    """The plans of the orders that are being worked, by order key; a plan is of one session."""

    desk: Desk
    plans: dict[int, AlgoPlan] = field(default_factory=dict)

    def begin(self, working: Working) -> None:
        """Start, or go on with, an order's algorithm before it comes to the book."""
        state, key = self.desk.state, working.order.order_key
        opens_at, closes_at = session_open(state.session_date), session_close(state.session_date)
        plan = self.plans.get(key)
        if plan is None or plan.closes_at <= state.now:
            plan = plan_of(working.order, state.now, opens_at=opens_at, closes_at=closes_at)
            plan = self.plans[key] = replace(plan, done=working.progress.quantity)
        self._let_out(working, plan)
        self._plan_next(working, plan)

    def _let_out(self, working: Working, plan: AlgoPlan) -> bool:
        """Bring what may trade, and at which limit, up to now; returns whether the limit is another."""
        state, order = self.desk.state, working.order
        if state.settings.stands:
            working.released = None if state.now >= plan.starts_at else Decimal(0)
            working.limit = standing_limit(order, plan.last_stand, state.market(order.symbol), state.settings)
            return False
        volume = self._volume_since(order.symbol, plan.starts_at) if plan.largest_part is not None else 0
        working.released = plan.released(order.quantity, state.now, volume=volume, lot=state.settings.lot_size)
        before = working.limit
        working.limit = standing_limit(order, plan.stand_at(state.now), state.market(order.symbol), state.settings)
        return working.limit != before

    def _volume_since(self, symbol: str, since: datetime) -> int:
        state = self.desk.state
        minutes = state.tape.minutes_of(symbol, state.session_date)
        return sum(minute.span.volume for minute in minutes if since <= minute.starts_at < state.now)

    def _plan_next(self, working: Working, plan: AlgoPlan) -> None:
        now = self.desk.state.now
        if plan.patience:
            is_settled = plan.stand_at(now) is Stand.TOUCH
            at = now + plan.step
        else:
            is_settled = now >= plan.ends_at
            at = plan.starts_at if now < plan.starts_at else min(now + plan.step, plan.ends_at)
        if not is_settled and at < plan.closes_at:
            self.desk.state.agenda.plan(at, MESSAGE_RANK, partial(self._step, working, plan))

    def _step(self, working: Working, plan: AlgoPlan) -> None:
        if working.place is not Place.BOOK or self.plans.get(working.order.order_key) is not plan:
            return
        if plan.is_over(self.desk.state.now):
            self.desk.end(working, VenueStatus.CANCELLED, cancelled("The time of the algorithm is over."))
            return
        market = self.desk.state.market(working.order.symbol)
        market.remove(working)
        if self._let_out(working, plan):
            working.priority = self.desk.next_priority(working)
        market.add(working)
        self._plan_next(working, plan)
        self.desk.match_new(working, market)

    def forget(self, order_key: int) -> None:
        """Drop the plan of an order whose terms have changed: it is planned anew."""
        self.plans.pop(order_key, None)
