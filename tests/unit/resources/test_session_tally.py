"""The state of a session that others see: what hinders it, the graver first."""

from datetime import date

from resources.session_tally import Hindrance, SessionTally
from tickledger.domain.errors import Problem
from tickledger.domain.trading_session import SessionState


def trading() -> SessionTally:
    tally = SessionTally("sess_1", date(2013, 3, 27))
    tally.begin_trading()
    return tally


def test_a_session_without_hindrances_runs() -> None:
    assert (trading().state, trading().reason) == (SessionState.RUNNING, "trading")


def test_what_is_heard_before_it_trades_shows_once_it_does() -> None:
    tally = SessionTally("sess_1", date(2013, 3, 27), SessionState.WARMING)
    tally.hinder(Hindrance.BROKER, "error 1100")
    assert tally.state is SessionState.WARMING
    tally.begin_trading()
    assert (tally.state, tally.reason) == (SessionState.DEGRADED, "the broker: error 1100")


def test_a_pause_is_shown_as_one_and_ends() -> None:
    tally = trading()
    tally.hinder(Hindrance.PAUSE, "ann: lunch")
    assert (tally.state, tally.reason) == (SessionState.PAUSED, "paused: ann: lunch")
    tally.clear(Hindrance.PAUSE)
    assert tally.state is SessionState.RUNNING


def test_a_fault_is_shown_before_a_pause_and_both_are_told() -> None:
    tally = trading()
    tally.hinder(Hindrance.PAUSE, "ann: lunch")
    tally.hinder(Hindrance.DATA, "nothing yet of any of 2 symbols")
    assert tally.state is SessionState.DEGRADED
    assert tally.reason == "market data: nothing yet of any of 2 symbols; paused: ann: lunch"
    tally.clear(Hindrance.DATA)
    assert tally.summary().state is SessionState.PAUSED


def test_a_session_that_is_over_stays_so() -> None:
    tally = trading()
    tally.state, tally.reason = SessionState.ENDED, "the day is over"
    tally.hinder(Hindrance.BROKER, "stopped")
    tally.clear(Hindrance.BROKER)
    assert (tally.state, tally.reason) == (SessionState.ENDED, "the day is over")


def test_the_latest_problems_are_kept_and_all_are_counted() -> None:
    tally = trading()
    for number in range(12):
        tally.note(Problem("here", expected="one", found=str(number)))
    assert tally.problems == 12
    assert [problem[-2:].strip() for problem in tally.recent_problems] == [str(number) for number in range(2, 12)]
    assert tally.detail()["last_problem"] == tally.recent_problems[-1]
