"""What the broker's API differs in is kept among the breaks, with an age, and holds up no form."""

from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import Engine

from resources.broker_comparison import BrokerComparison, as_comparison
from tests.integration.reconciliation.conftest import ACCOUNT
from tickledger.db.breaks import read_breaks, record_comparison
from tickledger.execution.order_reconciliation import Break, BreakKind
from tickledger.reconciliation.breaks import BreakState, SourceName, Subject

CASH = Break(BreakKind.CASH, ACCOUNT.account_id, Decimal("1000.50"), Decimal("990.00"), "a fee of the broker's")
SHARES = Break(BreakKind.POSITION, "AAPL", Decimal(50), Decimal(40), "sold by hand")


def compared(engine: Engine, day: int, *breaks: Break) -> None:
    found = as_comparison(BrokerComparison(ACCOUNT.account_id, breaks=breaks), on=date(2024, 7, day))
    record_comparison(engine, ACCOUNT, found, compared_at=datetime(2024, 7, day, 21, tzinfo=UTC))


def test_a_difference_is_the_same_on_the_next_evening_and_gone_when_it_is_mended(traded: Engine) -> None:
    compared(traded, 3, CASH, SHARES)
    compared(traded, 5, CASH)
    by_subject = {one.found.subject: one for one in read_breaks(traded)}
    cash, shares = by_subject[Subject.CASH], by_subject[Subject.POSITION]
    assert (cash.state, shares.state) == (BreakState.OPEN, BreakState.RESOLVED)
    assert cash.age(date(2024, 7, 5)) == 2
    assert (cash.found.ours, cash.found.theirs, cash.found.money_at_stake) == ("1000.5", "990", Decimal("10.50"))
    assert cash.found.against is SourceName.BROKER
    assert not cash.blocks_forms
    assert shares.found.difference == -10
