"""What reports are made of comes out of the record as it went in; reports come back as they were made."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from tests.integration.db.story import (
    ACCOUNT,
    END,
    START,
    attribution_effect,
    contribution,
    daily_pnl,
    performance,
    period_return,
    record,
    roll_forward,
)
from tickledger.backtest.performance import StrategyPerformance
from tickledger.db.account_histories import read_account_histories, read_origins
from tickledger.db.reports import read_reports, replace_reports_of_accounts
from tickledger.db.trading import read_executions
from tickledger.domain.errors import LedgerError
from tickledger.reporting.attribution import AttributionEffect
from tickledger.reporting.pnl import DailyPnl
from tickledger.reporting.pnl_columns import PositionColumns
from tickledger.reporting.pnl_contributions import PnlContribution
from tickledger.reporting.pnl_origins import Origin
from tickledger.reporting.returns import PeriodReturn
from tickledger.reporting.roll_forward import RollForward

TOLD: list[tuple[type[Any], Any]] = [
    (DailyPnl, daily_pnl()),
    (PnlContribution, contribution()),
    (RollForward, roll_forward()),
    (PeriodReturn, period_return()),
    (AttributionEffect, attribution_effect()),
    (StrategyPerformance, performance()),
]


def test_a_history_is_what_was_recorded(told: Engine) -> None:
    (history,) = read_account_histories(told)
    assert (history.account_id, list(history.balances)) == (ACCOUNT.account_id, list(record().balances))
    expected = PositionColumns.of(record().positions)
    found = history.positions
    order = np.argsort(found.session_date)
    assert found.symbols == expected.symbols
    for name in ("session_date", "symbol", "quantity", "close", "open_gain"):
        assert getattr(found, name)[order].tolist() == getattr(expected, name).tolist()
    assert history.executions == read_executions(told)
    assert [action.symbol for action in history.corporate_actions] == ["AAPL"]


def test_a_history_ends_where_it_is_told_to_and_is_of_one_account(told: Engine) -> None:
    (history,) = read_account_histories(told, end=date(2012, 1, 5), account_id=ACCOUNT.account_id)
    assert [row.session_date.day for row in history.balances] == [3, 4, 5]
    assert history.corporate_actions == []
    assert len(history.positions.quantity) == 1
    assert read_account_histories(told, account_id="OTHER") == []
    assert read_account_histories(told, end=date(2011, 1, 1)) == []


def test_an_order_of_a_composite_is_due_to_the_model_among_its_parts(told: Engine) -> None:
    assert read_origins(told) == {f"ord_0{day}": Origin("composite", "model_1") for day in (4, 5, 6)}


@pytest.mark.parametrize(("kind", "row"), TOLD)
def test_a_report_comes_back_as_it_was_made_and_is_replaced_by_account_and_date(
    ledger: Engine, story: object, kind: type[Any], row: Any
) -> None:
    assert story
    assert read_reports(ledger, kind) == [row]
    assert not replace_reports_of_accounts(ledger, kind, [ACCOUNT], [row], start=START, end=END).is_change
    outside = replace(row, session_date=date(2013, 1, 2))
    assert not replace_reports_of_accounts(ledger, kind, [ACCOUNT], [row, outside], start=START, end=END).is_change
    changed = replace_reports_of_accounts(ledger, kind, [ACCOUNT], [], start=START, end=END)
    assert (changed.inserted, changed.superseded) == (0, 1)
    assert read_reports(ledger, kind) == []


@pytest.mark.parametrize(
    ("kind", "wrong", "refusal"),
    [
        (PnlContribution, replace(contribution(), total_pnl=Decimal(1)), "ck_pnl_contributions_pnl_adds_up"),
        (
            PnlContribution,
            replace(contribution(), model_version_id="model_none"),
            "fk_pnl_contributions_model_versions",
        ),
        (RollForward, replace(roll_forward(), trades=Decimal(1)), "ck_roll_forwards_cash_ties"),
        (RollForward, replace(roll_forward(), market_gain=Decimal(1)), "ck_roll_forwards_nav_ties"),
        (PeriodReturn, replace(period_return(), pnl=Decimal(1)), "ck_period_returns_nav_adds_up"),
        (AttributionEffect, replace(attribution_effect(), value=float("nan")), "ck_attribution_effects_finite"),
        (AttributionEffect, replace(attribution_effect(), kind="luck"), "ck_attribution_effects_kind_is_known"),
    ],
)
def test_a_report_that_does_not_add_up_is_refused(told: Engine, kind: type[Any], wrong: Any, refusal: str) -> None:
    with pytest.raises(LedgerError, match=refusal):
        replace_reports_of_accounts(told, kind, [ACCOUNT], [wrong], start=START, end=END)
