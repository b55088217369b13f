"""What the broker's API and the statement of July say of the account with three trades."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import Engine

from resources.broker_comparison import BrokerComparison, as_comparison
from resources.reconciliations import reconcile_statements
from tests.integration.reconciliation.conftest import ACCOUNT, SOLD
from tickledger.db.breaks import record_comparison
from tickledger.db.statements import record_statement_file
from tickledger.db.trading import replace_session
from tickledger.domain.position import Balance
from tickledger.domain.session_record import SessionRecord
from tickledger.execution.order_reconciliation import Break, BreakKind
from tickledger.reconciliation.statements.reading import read_statement

LAST = date(2024, 7, 31)
EVENING = datetime(2024, 7, 31, 21, tzinfo=UTC)
NOON = datetime(2024, 7, 31, 15, 30, tzinfo=UTC)
NIGHT = datetime(2024, 8, 1, 10, tzinfo=UTC)
HELD = (
    '<OpenPositions><OpenPosition accountId="U1234567" currency="USD" assetCategory="STK" symbol="AAPL" '
    'reportDate="20240731" position="{}" markPrice="190" levelOfDetail="SUMMARY" /></OpenPositions><Trades>'
)


#: A sale of which our record knows nothing.
MISSED = replace(SOLD, execution_id="0000e0d5.66a1b2c9.01.01", quantity=Decimal(20), executed_at=NOON, trade_date=LAST)


def open_books(engine: Engine) -> None:
    """A close before the three trades, from which what is held can be counted."""
    day = date(2024, 6, 28)
    balance = Balance(ACCOUNT.account_id, day, Decimal(100_000), Decimal(100_000))
    opening = SessionRecord((), (), (), (), (), (), (balance,))
    replace_session(engine, ACCOUNT, opening, start=day, end=day)


def ask_broker(engine: Engine, *differences: tuple[BreakKind, str, int, int], on: date = LAST) -> None:
    """What the evening's comparison with the broker's API found: subjects with our shares or USD and theirs."""
    breaks = tuple(
        Break(kind, subject, Decimal(ours), Decimal(theirs), "") for kind, subject, ours, theirs in differences
    )
    found = as_comparison(BrokerComparison(ACCOUNT.account_id, breaks=breaks), on=on)
    record_comparison(engine, ACCOUNT, found, compared_at=EVENING)


def take_in(engine: Engine, content: str, *, holding: int) -> None:
    told = content.replace("<Trades>", HELD.format(holding)).encode()
    record_statement_file(engine, read_statement([told], name="july.xml"), told)
    reconcile_statements(engine, compared_at=NIGHT)
