"""From box 1g to the law: each adjustment of Form 8949, and that they add up to the difference of the two scopes."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings

from tests.examples import examples
from tests.tax import account, fills
from tests.unit.tax.histories import History, as_fill, histories
from tickledger.execution.tax_history import TaxHistory
from tickledger.reconciliation.broker_scope import broker_scope, taxpayer_scope
from tickledger.reconciliation.ledger_view import ScopeResult
from tickledger.reconciliation.scope_adjustments import ScopeAdjustment, scope_adjustments, total_difference

TAXABLE = ("T1", "T2")


def history(text: str, *accounts: Any) -> TaxHistory:
    """A history of accounts, by default two taxable ones."""
    return TaxHistory(fills=fills(text), accounts=list(accounts) or [account("T1"), account("T2")])


def adjusted(of: TaxHistory, *names: str) -> tuple[ScopeAdjustment, ...]:
    """The adjustments of the accounts."""
    return scope_adjustments({name: broker_scope(of, name) for name in names or TAXABLE}, taxpayer_scope(of))


def lines(adjustments: tuple[ScopeAdjustment, ...]) -> list[tuple[str, str, str, Decimal, Decimal]]:
    """Account, sale, code, what is reported and column (g)."""
    return [(one.account_id, one.close_execution_id, one.code, one.reported, one.amount) for one in adjustments]


def test_the_broker_washes_within_its_account() -> None:
    """Publication 550, p. 86, example 1: 100 shares bought for $1,000, sold for $750, 100 bought for $800."""
    of = history(
        """
        B1 2024-09-21 buys 100 XYZ for 1000
        S1 2024-12-21 sells 100 XYZ for 750
        B2 2024-12-29 buys 100 XYZ for 800
        """
    )
    scope = broker_scope(of, "T1")
    assert scope.gains[0].disallowed_loss == Decimal(250)
    assert [lot.adjusted_basis for lot in scope.open_lots] == [Decimal(1050)]
    assert adjusted(of) == ()


def test_a_purchase_in_another_account_is_none_of_the_broker_s_business() -> None:
    of = history(
        """
        B1 2024-09-21 buys 100 XYZ for 1000
        S1 2024-12-21 sells 100 XYZ for 750
        B2 2024-12-29 buys 100 XYZ for 800 in T2
        S2 2025-06-02 sells 100 XYZ for 900 in T2
        """
    )
    assert broker_scope(of, "T1").gains[0].disallowed_loss == 0
    found = adjusted(of)
    assert lines(found) == [
        ("T1", "S1", "W", Decimal("0.00"), Decimal("250.00")),
        ("T2", "S2", "B", Decimal("800.00"), Decimal("-250.00")),
    ]
    assert "what T2 bought" in found[0].explanation
    assert "250 of the sale of 2024-12-21 in T1" in found[1].explanation
    assert total_difference(found) == 0


def test_a_purchase_in_an_ira_is_lost_for_good() -> None:
    """Rev. Rul. 2008-5; the IRA has no 1099-B and no line of its own."""
    of = history(
        """
        B1 2024-09-21 buys 100 XYZ for 1000
        S1 2024-12-21 sells 100 XYZ for 750
        B2 2024-12-29 buys 100 XYZ for 800 in IRA
        """,
        account("T1"),
        account("IRA", "ira"),
    )
    found = adjusted(of, "T1")
    assert lines(found) == [("T1", "S1", "W", Decimal("0.00"), Decimal("250.00"))]
    assert "Rev. Rul. 2008-5" in found[0].explanation
    assert total_difference(found) == Decimal(250)


def test_a_basis_that_was_not_reported_is_set_right_in_its_column() -> None:
    of = history(
        """
        B1 2024-09-21 buys 100 XYZ for 1000
        S1 2024-12-21 sells 100 XYZ for 750
        B2 2024-12-29 buys 100 XYZ for 800 in T2
        S2 2025-06-02 sells 100 XYZ for 900 in T2
        """
    )
    scopes = {name: broker_scope(of, name) for name in TAXABLE}
    found = scope_adjustments(scopes, taxpayer_scope(of), tax_year=2025, basis_not_reported={"T2"})
    assert [(one.code, one.correct, one.amount, one.difference) for one in found] == [
        ("", Decimal("1050.00"), Decimal(0), Decimal("-250.00"))
    ]


def test_a_holding_period_that_the_broker_does_not_count_is_a_wrong_term() -> None:
    of = history(
        """
        B1 2023-01-03 buys 100 XYZ for 1000
        S1 2024-12-21 sells 100 XYZ for 750
        B2 2024-12-29 buys 100 XYZ for 800 in T2
        S2 2025-06-02 sells 100 XYZ for 900 in T2
        """
    )
    assert [one.code for one in adjusted(of)] == ["W", "B", "T"]


def test_a_wash_sale_that_the_law_carries_elsewhere_is_w_with_what_is_right() -> None:
    """Two purchases: the law takes the earlier one, in the other account; the broker knows its own."""
    of = history(
        """
        B1 2024-09-21 buys 100 XYZ for 1000
        S1 2024-12-21 sells 100 XYZ for 750
        B2 2024-12-23 buys 100 XYZ for 780 in T2
        B3 2024-12-29 buys 100 XYZ for 800
        S3 2025-06-02 sells 100 XYZ for 900
        """
    )
    found = adjusted(of)
    assert lines(found) == [("T1", "S3", "B", Decimal("1050.00"), Decimal("250.00"))]


def gain(scopes: list[ScopeResult], names: tuple[str, ...]) -> Decimal:
    """Gain or loss of the accounts."""
    return sum((row.gain_loss for scope in scopes for row in scope.gains if row.account_id in names), Decimal(0))


@settings(max_examples=examples(60), deadline=None)
@given(of=histories(accounts=("T1", "T2"), shorting=("T2",)))
def test_the_adjustments_add_up_to_the_difference_of_the_scopes(of: History) -> None:
    whole = TaxHistory(fills=[as_fill(trade) for trade in of.trades], accounts=[account(name) for name in TAXABLE])
    scopes = {name: broker_scope(whole, name) for name in TAXABLE}
    taxpayer = taxpayer_scope(whole)
    found = scope_adjustments(scopes, taxpayer)
    assert total_difference(found) == gain([taxpayer], TAXABLE) - gain(list(scopes.values()), TAXABLE)
    assert all(one.explanation for one in found)
    assert all(one.amount >= 0 for one in found if one.code == "W")
