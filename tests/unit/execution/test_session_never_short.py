"""Whatever fills, is cancelled, lost or killed, and in whatever order: a session never sells more than is held.

Both sides are looked at: what works at the venue or is on its way there, against the venue's own position.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.examples import examples
from tests.unit.execution.remote_venue import CANCELLED, WORKING, VenueOrder
from tests.unit.execution.session_floor import FLAT_BY_NIGHT, GUARDED, SessionFloor
from tickledger.execution.session_policy import SessionPolicy

POLICIES = (SessionPolicy(), GUARDED, FLAT_BY_NIGHT)


class NeverShort(RuleBasedStateMachine):
    """A session in X, and a venue that does as it likes."""

    @initialize(policy=st.sampled_from(POLICIES), weight=st.sampled_from(["0.005", "0.02", "0.1"]))
    def begin(self, policy: SessionPolicy, weight: str) -> None:
        self.floor = SessionFloor(policy, weight=weight)
        self.is_connected = True

    @rule(said=st.sampled_from(["BUY X", "SELL X", "HOLD X"]), price=st.sampled_from(["9.20", "10", "11"]))
    def a_minute_is_over(self, said: str, price: str) -> None:
        self.floor.bars(said, X=price)

    @rule(seconds=st.sampled_from([0.01, 1, 11, 61, 400]))
    def time_passes(self, seconds: float) -> None:
        self.floor.beat(after=seconds)

    @rule()
    def the_day_nears_its_end(self) -> None:
        at = self.floor.clock.now()
        self.floor.beat_at(max(at, at.replace(hour=20, minute=52)))

    @precondition(lambda self: self.floor.venue.inbound)
    @rule()
    def a_message_arrives(self) -> None:
        self.floor.venue.deliver()

    @precondition(lambda self: self.working())
    @rule(data=st.data())
    def something_fills(self, data: st.DataObject) -> None:
        at_work = data.draw(st.sampled_from(self.working()))
        most = int(at_work.terms.quantity - at_work.filled)
        self.floor.venue.fill(at_work, Decimal(data.draw(st.sampled_from(sorted({1, (most + 1) // 2, most})))))

    @precondition(lambda self: self.working())
    @rule(data=st.data())
    def something_fills_and_is_told_later(self, data: st.DataObject) -> None:
        at_work = data.draw(st.sampled_from(self.working()))
        most = int(at_work.terms.quantity - at_work.filled)
        shares = Decimal(data.draw(st.sampled_from(sorted({1, (most + 1) // 2, most}))))
        self.floor.venue.fill(at_work, shares, is_late=True)

    @rule()
    def what_was_held_back_is_told(self) -> None:
        self.floor.venue.tell_late()

    @rule(counts_fills=st.booleans())
    def ends_are_told_with_or_without_what_was_filled(self, counts_fills: bool) -> None:  # noqa: FBT001  by its name
        self.floor.venue.counts_fills = counts_fills

    @precondition(lambda self: self.working())
    @rule(data=st.data())
    def the_broker_ends_an_order(self, data: st.DataObject) -> None:
        self.floor.venue.end(data.draw(st.sampled_from(self.working())), CANCELLED, "for reasons of its own")

    @rule()
    def the_link_comes_and_goes(self) -> None:
        if self.floor.venue.is_connected:
            self.floor.venue.disconnect()
        else:
            self.floor.venue.reconnect()

    @rule(answers=st.booleans())
    def the_broker_answers_or_not(self, answers: bool) -> None:  # noqa: FBT001  drawn by its name
        self.floor.venue.answers = answers

    @rule(is_paused=st.booleans())
    def the_operator_pauses(self, is_paused: bool) -> None:  # noqa: FBT001  drawn by its name
        self.floor.pause(is_paused=is_paused)

    @rule()
    def the_process_is_killed(self) -> None:
        self.floor.restart()

    def working(self) -> list[VenueOrder]:
        return [at_work for at_work in self.floor.venue.orders if at_work.status == WORKING]

    @invariant()
    def no_more_is_on_sale_than_is_held(self) -> None:
        if hasattr(self, "floor"):
            held = self.floor.venue.positions().get("X", Decimal(0))
            assert held >= 0
            assert self.floor.most_on_sale() <= held, (self.floor.at_work(), held)

    def teardown(self) -> None:
        """In the end everybody agrees on what is held, and on the cash."""
        if not hasattr(self, "floor"):
            return
        floor = self.floor
        floor.venue.answers = True
        floor.venue.tell_late()
        if not floor.venue.is_connected:
            floor.venue.reconnect()
        for fill in floor.venue.fills():
            floor.venue.charge(fill)
        floor.beat(after=timedelta(minutes=6).total_seconds())
        floor.beat(after=timedelta(minutes=6).total_seconds())
        assert floor.held() == floor.venue.positions().get("X", Decimal(0))
        assert floor.account.portfolio.cash == floor.venue.cash()


@pytest.mark.parametrize("steps", [12, 40])
def test_a_session_never_sells_more_than_is_held(steps: int) -> None:
    chosen = settings(
        max_examples=examples(80),
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(NeverShort, settings=chosen)
