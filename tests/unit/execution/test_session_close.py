"""A close is what everything after it counts from: it is recorded only by a session that has heard all of the day."""

from decimal import Decimal

from tests.unit.execution.session_floor import GUARDED, SessionFloor


def test_a_session_that_cannot_hear_its_broker_leaves_the_close_out() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    stop = floor.at_venue("SELL 50 X STOP")
    floor.venue.disconnect()
    floor.beat()
    floor.venue.fill(stop, Decimal(50))
    news = floor.close()
    assert floor.journal.balances == []
    assert any(problem.where == "the close" for problem in news.problems)


def test_a_session_that_has_heard_everything_records_it() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    floor.bars(X="10")
    floor.close()
    assert [balance.session_date for balance in floor.journal.balances] == [floor.journal.balances[0].session_date]
    assert floor.journal.positions[0].quantity == 50
