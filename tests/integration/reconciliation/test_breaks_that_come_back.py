"""A break that was corrected and resolved, and that later news opens again, is corrected by another record."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, select

from resources.reconciliations import reconcile_statements
from tests.integration.reconciliation.conftest import ACCOUNT, AGAIN, BOUGHT, SOLD, dearer, flex
from tickledger.db.breaks import read_breaks
from tickledger.db.corrections import apply_correction
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.statements import record_statement_file
from tickledger.db.tables import break_corrections, foreign_executions
from tickledger.db.trading import read_executions
from tickledger.domain.errors import InputError
from tickledger.domain.execution import Execution
from tickledger.execution.order_journal import ExecutionCorrection, ForeignExecution
from tickledger.reconciliation.breaks import BreakCause, BreakState, TrackedBreak
from tickledger.reconciliation.statements.reading import read_statement

EVENING = datetime(2024, 8, 1, 22, tzinfo=UTC)


class Evenings:
    """One evening after the other, over one ledger and July's statement."""

    def __init__(self, engine: Engine, *stated: Execution) -> None:
        self.engine = engine
        self.now = EVENING
        content = flex(stated).encode()
        record_statement_file(engine, read_statement([content], name="july.xml"), content)

    def compare(self) -> list[TrackedBreak]:
        self.now += timedelta(days=1)
        reconcile_statements(self.engine, compared_at=self.now)
        return read_breaks(self.engine, states=[BreakState.OPEN])

    def apply(self, tracked: TrackedBreak) -> str | None:
        self.now += timedelta(hours=1)
        return apply_correction(self.engine, tracked.found, actor="ann", note="it is so", applied_at=self.now)

    def hear(self, *entries: ForeignExecution | ExecutionCorrection) -> None:
        LedgerJournal(self.engine).record(ACCOUNT.account_id, entries)

    def corrections(self) -> list[str | None]:
        """The records that persons had made, the earliest first."""
        table = break_corrections
        with self.engine.connect() as connection:
            return list(connection.execute(select(table.c.record_id).order_by(table.c.recorded_at)).scalars())

    def fill(self, like: Execution) -> Execution:
        (found,) = (one for one in read_executions(self.engine) if one.execution_id == like.execution_id)
        return found


def test_a_price_that_is_undone_is_corrected_again_by_a_record_of_its_own(traded: Engine) -> None:
    evenings = Evenings(traded, BOUGHT, dearer(SOLD), AGAIN)
    (wrong,) = evenings.compare()
    first = evenings.apply(wrong)
    with pytest.raises(InputError, match="no correction recorded since it opened"):
        evenings.apply(wrong)
    assert evenings.compare() == []
    with pytest.raises(InputError, match="expected a break that is there"):
        evenings.apply(wrong)
    # The broker's API tells the old price once more.
    evenings.hear(ForeignExecution(SOLD, f"{SOLD.execution_id}.late", "77", corrects=str(first)))
    (back,) = evenings.compare()
    assert back.found.break_id == wrong.found.break_id
    assert [event.state for event in back.events] == [BreakState.OPEN, BreakState.RESOLVED, BreakState.OPEN]
    second = evenings.apply(back)
    assert second not in {None, first}
    assert evenings.fill(SOLD).price == dearer(SOLD).price
    assert evenings.compare() == []
    assert evenings.corrections() == [first, second]
    with traded.connect() as connection:
        mine = foreign_executions.c.execution_id == SOLD.execution_id
        assert connection.execute(select(func.count()).where(mine)).scalar() == 4


def test_a_fill_that_was_entered_and_taken_back_is_entered_again(traded: Engine) -> None:
    missed = Execution(
        execution_id="0000e0d5.66a1b2c9.01.01",
        order_id="",
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        side=BOUGHT.side,
        quantity=Decimal(10),
        price=Decimal(200),
        commission=Decimal(1),
        fees=Decimal(0),
        executed_at=datetime(2024, 7, 8, 15, 30, tzinfo=UTC),
        trade_date=date(2024, 7, 8),
    )
    evenings = Evenings(traded, BOUGHT, SOLD, AGAIN, missed)
    (missing,) = evenings.compare()
    assert missing.found.cause is BreakCause.MISSING
    evenings.apply(missing)
    assert evenings.compare() == []
    for news in ("taken-back", "taken-back-again"):
        (held,) = (one for one in read_executions(traded) if one.trade_date == missed.trade_date)
        evenings.hear(ForeignExecution(replace(held, quantity=Decimal(0)), news, "77", corrects=held.execution_id))
        (back,) = evenings.compare()
        assert back.found.break_id == missing.found.break_id
        evenings.apply(back)
        assert evenings.compare() == []
    bought = [one for one in read_executions(traded) if one.trade_date == missed.trade_date]
    assert [(one.quantity, one.price) for one in bought] == [(missed.quantity, missed.price)]
    assert len(set(evenings.corrections())) == 3
