"""The venue's day: early trading with corporate actions, the open, the close with its auction, the end of late trading.

| New York                    | what happens                                                                   |
|-----------------------------|--------------------------------------------------------------------------------|
| 4:00                        | the session date's corporate actions take effect; early trading begins          |
| 9:30                        | orders held for the session come to the book; the opening auction at each       |
|                             | symbol's first print                                                            |
| 16:00 (13:00 on half days)  | the closing auction; orders for the day end; accounts are marked; late trading  |
| four hours later            | orders for the day that trade outside regular hours end; the next day is planned |
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.exchange.venue_actions import take_effect
from tickledger.exchange.venue_auctions import closing_auctions
from tickledger.exchange.venue_checks import cancelled
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_orders import SessionChange, VenueStatus
from tickledger.exchange.venue_state import SESSION_RANK
from tickledger.exchange.venue_tape import EARLY_HOURS, LATE_HOURS

_LONGEST_CLOSING: Final = timedelta(days=14)


def session_at(at: datetime) -> date:
    """The session whose late trading is not over at an instant: today's, or the next one; raises ValueError if none."""
    day = at.date() - timedelta(days=1)
    ahead = sessions(day, day + _LONGEST_CLOSING)
    found = next((session for session in ahead if at < session_close(session) + LATE_HOURS), None)
    if found is None:
        raise ValueError(f"expected an instant inside the exchange's calendar, found {at}")
    return found


@dataclass(slots=True)
class Calendar:
    """What the exchange's sessions do to a desk."""

    desk: Desk

    def plan(self, day: date) -> None:
        """Plan the day of a session."""
        plan, opens_at, closes_at = self.desk.state.agenda.plan, session_open(day), session_close(day)
        plan(opens_at - EARLY_HOURS, SESSION_RANK, partial(self._begin, day))
        plan(opens_at, SESSION_RANK, self._open)
        plan(closes_at, SESSION_RANK, self._close)
        plan(closes_at + LATE_HOURS, SESSION_RANK, self._finish)

    def _begin(self, day: date) -> None:
        state = self.desk.state
        state.session_date = day
        for account in state.accounts.values():
            account.begin_session(day)
        actions = state.tape.corporate_actions
        state.reserved.clear()
        since, state.actions_through = state.actions_through, day
        for action in actions:
            if since < action.ex_date <= day:
                take_effect(action, self.desk)
        self._enter_phase()
        self.desk.route_all()

    def _open(self) -> None:
        state = self.desk.state
        state.is_open = True
        self._enter_phase()
        state.events.append(SessionChange(state.now, is_open=True))
        self.desk.route_all()

    def _close(self) -> None:
        state = self.desk.state
        closing_auctions(self.desk)
        self._expire(is_late=False)
        state.is_open = False
        self._enter_phase()
        for account in state.accounts.values():
            account.close_session(state.price_of)
        state.events.append(SessionChange(state.now, is_open=False))
        self.desk.route_all()

    def _finish(self) -> None:
        state = self.desk.state
        self._expire(is_late=True)
        self._enter_phase()
        state.phase_began_at = None
        self.desk.route_all()
        ahead = sessions(state.session_date + timedelta(days=1), state.session_date + _LONGEST_CLOSING)
        if ahead:
            state.session_date = ahead[0]
            self.plan(ahead[0])

    def _enter_phase(self) -> None:
        state = self.desk.state
        state.phase_began_at = state.now
        for market in state.markets.values():
            market.is_live = False
            market.seen_at = None

    def _expire(self, *, is_late: bool) -> None:
        today = self.desk.state.session_date
        for working in self.desk.in_priority():
            is_due = working.ends_on is not None and working.ends_on <= today
            if working.is_active and is_due and (is_late or not working.order.outside_hours):
                self.desk.end(working, VenueStatus.CANCELLED, cancelled("Its session was over."))
