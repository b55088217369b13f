"""Sessions die, freeze, thaw and are succeeded: nothing is lost, sent twice, traded by two at once or sold unheld."""

import logging
from collections.abc import Iterator

import pytest

from tests.chaos.session.plan import session_plan
from tests.chaos.session.real import play_real
from tests.chaos.session.scenario import play_session


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The client library logs every error that it is told, and there are many."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(12))
def test_sessions_agree_with_the_gateway_whatever_happens_to_them(seed: int) -> None:
    outcome = play_session(session_plan(seed))
    assert outcome.is_good, f"python -m tests.chaos --session --seed {seed} -v\n{outcome}"


@pytest.mark.long
@pytest.mark.xdist_group("live")
def test_processes_that_are_killed_and_stopped_leave_the_ledger_as_the_gateway_has_it() -> None:
    outcome = play_real(0, count=0)
    assert outcome.is_good, outcome.mismatches
    assert max(outcome.trading_again) <= 30


def test_a_plan_is_the_same_in_every_run_of_its_seed() -> None:
    assert str(session_plan(7)) == str(session_plan(7))
    assert str(session_plan(7)) != str(session_plan(8))
