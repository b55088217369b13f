"""A live account in the ledger with three trades, and the Flex statements that tell of them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from tickledger.db.accounts import ensure_account
from tickledger.db.order_journal import LedgerJournal
from tickledger.domain.account import Account, Mode
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide
from tickledger.execution.order_journal import ForeignExecution

ACCOUNT = Account("U1234567", Mode.LIVE)


def fill(key: str, side: OrderSide, quantity: int, price: str, day: date) -> Execution:
    return Execution(
        execution_id=f"0000e0d5.66a1b2c{key}.01.01",
        order_id="",
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal("1.00"),
        fees=Decimal(0),
        executed_at=datetime(day.year, day.month, day.day, 15, 30, tzinfo=UTC),
        trade_date=day,
    )


BOUGHT = fill("1", OrderSide.BUY, 100, "180.00", date(2024, 7, 1))
SOLD = fill("2", OrderSide.SELL, 100, "190.00", date(2024, 7, 2))
AGAIN = fill("3", OrderSide.BUY, 50, "185.00", date(2024, 7, 3))


def flex(executions: Iterable[Execution], *, account_id: str = ACCOUNT.account_id) -> str:
    """A Flex statement of July 2024 with these trades."""
    trades = "\n".join(
        f'<Trade accountId="{account_id}" currency="USD" fxRateToBase="1" assetCategory="STK" symbol="{row.symbol}" '
        f'ibExecID="{row.execution_id}" tradeDate="{row.trade_date:%Y%m%d}" '
        f'dateTime="{row.executed_at:%Y%m%d};113000" transactionType="ExchTrade" '
        f'quantity="{row.quantity * row.side.sign}" tradePrice="{row.price}" ibCommission="-{row.commission}" '
        f'ibCommissionCurrency="USD" buySell="{row.side}" levelOfDetail="EXECUTION" />'
        for row in executions
    )
    return (
        '<FlexQueryResponse queryName="July" type="AF"><FlexStatements count="1">'
        f'<FlexStatement accountId="{account_id}" fromDate="20240701" toDate="20240731" period="LastMonth" '
        f'whenGenerated="20240801;031500"><AccountInformation accountId="{account_id}" currency="USD" />'
        f"<Trades>{trades}</Trades></FlexStatement></FlexStatements></FlexQueryResponse>"
    )


def trade(ledger: Engine) -> None:
    """Have the account make all three trades."""
    ensure_account(ledger, ACCOUNT)
    rows = [ForeignExecution(row, row.execution_id, "77") for row in (BOUGHT, SOLD, AGAIN)]
    LedgerJournal(ledger).record(ACCOUNT.account_id, rows)


@pytest.fixture
def traded(ledger: Engine) -> Engine:
    """The ledger with all three trades."""
    trade(ledger)
    return ledger


def dearer(row: Execution) -> Execution:
    return replace(row, price=row.price + 1)
