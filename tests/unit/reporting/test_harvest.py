"""Harvest candidates: losses, what purchases before and after would disallow, and what a loss saves this year."""

from datetime import date
from decimal import Decimal

from hypothesis import given, settings

from tests import tax
from tests.examples import examples
from tests.unit.reporting.books import ACCOUNTS, histories, standing
from tickledger.execution.what_if import Rates
from tickledger.reporting.harvest import Candidate, harvest
from tickledger.reporting.harvest_report import Reinvestment, harvest_report, reinvested
from tickledger.reporting.open_lots_sold import PendingPurchase
from tickledger.reporting.tax_reports_basis import Close
from tickledger.tax.schedule_d import Carryover

RATES = Rates(Decimal("0.37"), Decimal("0.20"))
ON = "2025-11-20"
OLD = "B1 2025-02-03 buys 100 X @ 10\n"


def one(history: str, *, price: str = "7", pending: tuple[PendingPurchase, ...] = ()) -> Candidate:
    basis = standing(history, ON, closes={"X": price}, accounts=ACCOUNTS)
    (candidate,) = [row for row in harvest(basis, rates=RATES, pending=pending).candidates if row.loss > 0][:1]
    return candidate


def test_a_loss_with_nothing_around_it_is_free_to_be_taken() -> None:
    candidate = one(OLD)
    assert (candidate.loss, candidate.sold.disallowed_loss, candidate.sold.terms) == (Decimal(300), Decimal(0), "S")
    assert (candidate.recent, candidate.clear_from) == ((), date(2025, 11, 20))
    assert candidate.buy_again_from == date(2025, 12, 21)
    assert (candidate.effect.saves, candidate.effect.carries) == (Decimal(111), Decimal(0))


def test_shares_of_the_thirty_days_before_replace_what_is_sold() -> None:
    candidate = one(OLD + "B2 2025-10-21 buys 40 X @ 6\n")
    assert (candidate.sold.disallowed_loss, candidate.recent_shares) == (Decimal(120), Decimal(40))
    assert candidate.clear_from == date(2025, 11, 21)
    assert candidate.effect.saves == Decimal("66.60")
    # A day earlier the purchase is too old to replace.
    assert one(OLD + "B2 2025-10-20 buys 40 X @ 6\n").recent == ()


def test_a_purchase_in_an_ira_makes_the_loss_one_for_good() -> None:
    candidate = one(OLD + "B2 2025-11-10 buys 100 X @ 6 in IRA\n")
    assert (candidate.sold.disallowed_loss, candidate.sold.permanently_disallowed) == (Decimal(300), Decimal(300))
    assert candidate.effect.saves == 0


def test_shares_of_one_purchase_do_not_replace_each_other() -> None:
    candidate = one("B1 2025-11-10 buys 100 X @ 10\n")
    assert (candidate.sold.disallowed_loss, candidate.recent) == (Decimal(0), ())


def test_a_pending_order_and_a_plan_would_disallow_more() -> None:
    order = PendingPurchase("T1", "X", Decimal(25), date(2025, 11, 20), "working order ord_1")
    plan = PendingPurchase("IRA", "X", Decimal(5), date(2025, 12, 20), "savings plan")
    late = PendingPurchase("T1", "X", Decimal(50), date(2025, 12, 21), "too late to replace")
    other = PendingPurchase("T1", "Y", Decimal(50), date(2025, 11, 25), "another security")
    candidate = one(OLD, pending=(order, plan, late, other))
    assert candidate.pending == (order, plan)
    assert (candidate.sold.disallowed_loss, candidate.disallowed_by_pending) == (Decimal(0), Decimal(90))
    assert candidate.sold_with_pending.permanently_disallowed == 15


def test_identical_securities_replace_each_other_as_declared() -> None:
    basis = standing(
        OLD + "B2 2025-11-10 buys 100 XA @ 6\n", ON, closes={"X": "7", "XA": "7"}, identity={"X": "G", "XA": "G"}
    )
    (candidate,) = harvest(basis).candidates
    assert (candidate.sold.disallowed_loss, candidate.recent_shares) == (Decimal(300), Decimal(100))


def test_dividends_that_are_reinvested_buy_what_a_share_pays() -> None:
    """100 shares × 0.50 USD at 8 USD a share: 6.25 shares; a dividend that goes ex after 30 days is not one of them."""
    basis = standing(OLD, ON, closes={"X": "8"})
    dividends = [
        tax.action("X 2025-12-05 dividend", amount="0.50"),
        tax.action("X 2025-12-21 dividend", amount="0.50"),
        tax.action("Y 2025-12-05 dividend", amount="9"),
    ]
    plans = [Reinvestment("T1", "X"), Reinvestment("T1", "Y"), Reinvestment("T2", "X")]
    (bought,) = reinvested(
        plans, lots=basis.open_lots, dividends=dividends, closes={"X": Close(Decimal(8), basis.on)}, on=basis.on
    )
    assert (bought.account_id, bought.quantity, bought.on) == ("T1", Decimal("6.25"), date(2025, 12, 5))
    (candidate,) = harvest(basis, pending=[bought]).candidates
    assert candidate.disallowed_by_pending == Decimal("12.50")


def test_gains_of_other_accounts_and_the_carryover_decide_what_is_saved() -> None:
    """1,000 of gain in T2 less 600 carried in: of the loss of 300, all saves; of 3,300 more, income is used too."""
    history = OLD + "C1 2025-02-03 buys 10 Y @ 10 in T2\nC2 2025-03-03 sells 10 Y @ 110 in T2\n"
    carried = {2025: Carryover(Decimal(600), Decimal(0))}
    basis = standing(history, ON, closes={"X": "7"}, accounts=ACCOUNTS, account="T1", carryover=carried)
    found = harvest(basis, rates=RATES)
    assert (found.year.short_term, found.year.netted().ordinary_gain) == (Decimal(1000), Decimal(400))
    assert found.candidates[0].effect.after.ordinary_gain == 100
    assert found.candidates[0].effect.saves == 111


def test_the_record_s_own_years_are_carried_where_nothing_is_stated() -> None:
    history = "A1 2023-02-03 buys 100 Y @ 100\nA2 2024-05-06 sells 100 Y @ 50\n" + OLD
    found = harvest(standing(history, ON, closes={"X": "7"}), rates=RATES)
    assert found.year.carryover == Carryover(Decimal("0.00"), Decimal("2000.00"))


def test_lots_of_two_purchases_sold_together_are_measured_together() -> None:
    """Each alone is washed by the other where that is recent; sold together, only retained shares replace."""
    history = OLD + "B2 2025-11-03 buys 100 X @ 12\n"
    found = harvest(standing(history, ON, closes={"X": "7"}), rates=RATES)
    assert {row.holding.open_execution_id: row.sold.disallowed_loss for row in found.candidates} == {"B1": 300, "B2": 0}
    assert found.together is not None
    assert found.together.after.net_short_term == -800


def test_what_cannot_be_judged_is_named() -> None:
    history = OLD + "Z1 2025-02-03 buys 10 Z @ 10\nD1 2025-02-03 buys 10 D @ 10\nD2 2025-02-04 sells 20 D @ 10\n"
    found = harvest(standing(history, ON, closes={"X": "7"}))
    notes = " ".join(harvest_report(found).notes)
    assert "no close is known: Z" in notes
    assert "nothing is said of tax" in notes
    assert "none is suggested" in notes


def test_a_gain_and_an_ira_s_loss_are_no_candidates() -> None:
    basis = standing(OLD + "I1 2025-02-03 buys 9 Y @ 10 in IRA\n", ON, closes={"X": "11", "Y": "1"}, accounts=ACCOUNTS)
    found = harvest(basis)
    assert (found.candidates, found.together) == ((), None)
    assert harvest_report(found).sections[0].rows == ()


@settings(max_examples=examples(40))
@given(histories(most=18))
def test_a_candidate_s_loss_is_deductible_disallowed_or_lost(history: str) -> None:
    last = max(fill.trade_date for fill in tax.fills(history))
    basis = standing(history, last.isoformat(), accounts=ACCOUNTS, closes={"X": "6", "Y": "6"})
    found = harvest(basis, rates=RATES)
    for row in found.candidates:
        short, long = row.sold.changes(basis.on.year)
        assert -(short + long) == row.loss - row.sold.disallowed_loss
        assert (
            0
            <= row.sold.permanently_disallowed
            <= row.sold.disallowed_loss
            <= sum(max(gain.basis - gain.proceeds, Decimal(0)) for gain in row.sold.gains)
        )
        assert row.effect.saves is not None
        if not row.recent:
            assert row.sold.disallowed_loss == 0
