"""The record of an account as the monthly letter is made of it."""

from sqlalchemy import Engine

from tickledger.db.breaks import read_breaks
from tickledger.db.tax import read_gains
from tickledger.db.trading import (
    read_accounts,
    read_balances,
    read_cash_transactions,
    read_executions,
    read_positions,
)
from tickledger.domain.errors import LedgerError
from tickledger.reporting.letter import LetterRecord


def read_letter_record(engine: Engine, account_id: str) -> LetterRecord:
    """All of one account; raises LedgerError where it is not recorded."""
    account = next((one for one in read_accounts(engine) if one.account_id == account_id), None)
    if account is None:
        raise LedgerError(f"account {account_id} is not recorded")
    return LetterRecord(
        account=account,
        balances=read_balances(engine, account_id=account_id),
        positions=read_positions(engine, account_id=account_id),
        executions=read_executions(engine, account_id=account_id),
        cash_transactions=read_cash_transactions(engine, account_id=account_id),
        gains=read_gains(engine, account_ids=[account_id]),
        breaks=read_breaks(engine, account_id=account_id),
    )
