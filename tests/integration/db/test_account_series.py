"""The series of an account are those of its recorded rows, and read fast however much it traded."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from sqlalchemy import Engine

from tests.integration.db.story import ACCOUNT, daily_pnl, roll_forward
from tickledger.db.account_series import read_account_series
from tickledger.db.reports import replace_reports_of_accounts
from tickledger.db.trading import ensure_account
from tickledger.reporting.pnl import DailyPnl
from tickledger.reporting.roll_forward import RollForward

FIRST = date(2020, 1, 6)


def told(ledger: Engine, values: list[tuple[int, int]]) -> None:
    """Write sessions of (nav, total P&L), with a roll-forward for each but the last."""
    ensure_account(ledger, ACCOUNT)
    days = [FIRST + timedelta(days=number) for number in range(len(values))]
    nothing = Decimal(0)
    rows = [
        replace(
            daily_pnl(),
            session_date=day,
            portfolio_value=Decimal(nav),
            realized_pnl=Decimal(pnl),
            unrealized_pnl=nothing,
            dividends=nothing,
            total_pnl=Decimal(pnl),
        )
        for day, (nav, pnl) in zip(days, values, strict=True)
    ]
    rolled = [replace(roll_forward(), session_date=day) for day in days[:-1]]
    span = {"start": date(2000, 1, 1), "end": date(2040, 1, 1)}
    replace_reports_of_accounts(ledger, DailyPnl, [ACCOUNT], rows, **span)
    replace_reports_of_accounts(ledger, RollForward, [ACCOUNT], rolled, **span)


def test_growth_and_drawdown_leave_deposits_out(ledger: Engine) -> None:
    # 100 paid in, +10, then 90 paid in and −20 of 200, then +20 of 180, then nothing.
    told(ledger, [(100, 0), (110, 10), (180, -20), (200, 20), (200, 0)])
    found = read_account_series(ledger, ACCOUNT.account_id)
    assert found.nav.tolist() == [100, 110, 180, 200, 200]
    assert found.pnl_to_date.tolist() == [0, 10, -10, 10, 10]
    assert found.daily_return == pytest.approx([0, 0.1, -0.1, 20 / 180, 0])
    assert found.growth == pytest.approx([1, 1.1, 0.99, 1.1, 1.1])
    assert found.drawdown == pytest.approx([0, 0, -0.1, 0, 0], abs=1e-12)
    assert found.gross_exposure[:4].tolist() == [float(roll_forward().gross_exposure)] * 4
    assert np.isnan(found.gross_exposure[4])
    part = read_account_series(ledger, ACCOUNT.account_id, start=FIRST + timedelta(days=2))
    assert part.pnl_to_date.tolist() == [-20, 0, 0]
    assert part.drawdown == pytest.approx([-0.1, 0, 0], abs=1e-12)
    assert len(read_account_series(ledger, "OTHER").nav) == 0
