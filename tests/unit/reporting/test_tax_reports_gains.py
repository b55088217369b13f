"""Realized gains: every row, sums that agree with each other and with the forms, and whose they are."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.tax import account
from tests.unit.reporting.books import ACCOUNTS, column, histories, standing
from tickledger.domain.errors import ConfigurationError, LedgerError
from tickledger.reporting.tax_reports_basis import scope_of
from tickledger.reporting.tax_reports_forms import form_8949_report, schedule_d_report
from tickledger.reporting.tax_reports_gains import gains_report, tie
from tickledger.tax.schedule_d import Carryover, FilingStatus

#: 100 bought at 10, 60 sold at 12 after a month, 40 at 15 after a year and a day.
PLAIN = """
B1 2024-01-02 buys 100 X @ 10
S1 2024-02-01 sells 60 X @ 12
S2 2025-01-03 sells 40 X @ 15
"""


def test_gains_by_term_symbol_and_account_of_one_year() -> None:
    report = gains_report(standing(PLAIN, "2025-12-31"))
    gains, by_term, by_symbol, by_account, tied = report.sections
    assert [row["term"] for row in gains.as_dicts()] == ["L"]
    assert gains.totals["gain_loss"] == 200
    assert column(by_term, "term") == ["long-term"]
    assert column(by_symbol, "symbol") == ["X"]
    assert column(by_account, "account") == ["T1"]
    assert [row["difference"] for row in tied.as_dicts()] == [0, 0]


def test_the_year_before_is_reported_with_what_january_has_done_to_it() -> None:
    """A loss of December is washed by a purchase in January, where the report stands after it."""
    history = "B1 2024-03-01 buys 100 X @ 10\nS1 2024-12-20 sells 100 X @ 7\nB2 2025-01-10 buys 100 X @ 8\n"
    before = gains_report(standing(history, "2025-01-09", year=2024))
    after = gains_report(standing(history, "2025-01-10", year=2024))
    assert before.sections[0].totals["gain_loss"] == -300
    assert after.sections[0].totals["gain_loss"] == 0
    assert any("2025-01-19" in note for note in before.notes)


def test_one_account_alone_is_reported_with_the_wash_sales_of_the_others() -> None:
    history = """
B1 2025-03-03 buys 100 X @ 10 in T1
S1 2025-06-02 sells 100 X @ 7 in T1
B2 2025-06-10 buys 100 X @ 8 in IRA
C1 2025-03-03 buys 10 Y @ 10 in T2
C2 2025-06-03 sells 10 Y @ 20 in T2
"""
    report = gains_report(standing(history, "2025-12-01", account="T1", accounts=ACCOUNTS))
    assert column(report.sections[0], "account") == ["T1"]
    assert report.sections[0].totals["permanently_disallowed"] == 300


def test_simulated_gains_are_never_among_those_of_a_live_account() -> None:
    history = """
B1 2025-03-03 buys 10 X @ 10 in T1
S1 2025-06-02 sells 10 X @ 12 in T1
B2 2025-03-03 buys 10 X @ 10 in SIM
S2 2025-06-02 sells 10 X @ 90 in SIM
"""
    accounts = [account("T1"), account("SIM", mode="simulated")]
    live = standing(history, "2025-12-01", accounts=accounts)
    simulated = standing(history, "2025-12-01", accounts=accounts, account="SIM")
    assert (live.scope.watermark, simulated.scope.watermark) == (None, "SIMULATED - NOT FOR FILING")
    assert gains_report(live).sections[0].totals["gain_loss"] == 20
    assert gains_report(simulated).sections[0].totals["gain_loss"] == 800


def test_whose_reports_must_be_clear() -> None:
    accounts = [account("A", owner="ann"), account("B", owner="bob")]
    with pytest.raises(ConfigurationError, match="--taxpayer: expected one of ann, bob"):
        scope_of(accounts)
    assert scope_of(accounts, account_id="B").taxpayer == "bob"
    assert scope_of(accounts, taxpayer="ann").kinds.keys() == {"A"}
    with pytest.raises(ConfigurationError, match="--account: expected one of A, B, found C"):
        scope_of(accounts, account_id="C")
    with pytest.raises(ConfigurationError, match="--taxpayer: expected one of ann, bob, found eve"):
        scope_of(accounts, taxpayer="eve")


def test_what_does_not_tie_to_the_forms_stops_the_report() -> None:
    basis = standing(PLAIN, "2025-12-31")
    with pytest.raises(LedgerError, match=r"found long-term: 0.00, 200.00 and 200.00"):
        tie([], basis.forms([2025]))


@settings(max_examples=examples(60))
@given(histories(), st.integers(2024, 2026))
def test_every_sum_is_the_sum_of_its_rows_and_of_the_forms(history: str, year: int) -> None:
    basis = standing(history, "2026-12-31", year=year, accounts=ACCOUNTS)
    rows, *sums, tied = gains_report(basis).sections
    for section in sums:
        for name in ("proceeds", "basis", "disallowed_loss", "gain_loss"):
            assert section.totals[name] == rows.totals[name]
        assert section.totals["short_term"] + section.totals["long_term"] == rows.totals["gain_loss"]
        assert section.totals["rows"] == len(rows.rows)
    assert rows.totals["gain_loss"] == (rows.totals["proceeds"] - rows.totals["basis"] + rows.totals["disallowed_loss"])
    form = form_8949_report(basis).sections[0]
    for of_form, of_gains in (("proceeds", "proceeds"), ("basis", "basis"), ("adjustment", "disallowed_loss")):
        assert form.totals[of_form] == rows.totals[of_gains]
    assert tied.totals["of_gains"] == form.totals["gain_loss"]
    lines = {row["line"]: row for row in schedule_d_report(basis).sections[0].as_dicts()}
    carried = Decimal(str(lines["6"]["gain_loss"])) + Decimal(str(lines["14"]["gain_loss"]))
    assert Decimal(str(lines["16"]["gain_loss"])) - carried == rows.totals["gain_loss"]


@settings(max_examples=examples(25))
@given(histories())
def test_accounts_alone_add_up_to_all_of_them(history: str) -> None:
    whole = gains_report(standing(history, "2025-12-31", accounts=ACCOUNTS)).sections[0].totals
    parts = [
        gains_report(standing(history, "2025-12-31", accounts=ACCOUNTS, account=name)).sections[0].totals
        for name in ("T1", "T2", "IRA")
    ]
    assert whole["gain_loss"] == sum(part["gain_loss"] for part in parts)
    assert parts[2]["gain_loss"] == 0


def test_nothing_after_the_day_is_looked_at() -> None:
    basis = standing(PLAIN, "2024-06-30")
    assert [fill.trade_date for fill in basis.history.fills] == [date(2024, 1, 2), date(2024, 2, 1)]
    assert basis.tax_year == 2024


def test_a_carryover_and_a_filing_status_that_are_stated_are_on_schedule_d() -> None:
    """9,000 carried in, of gains of 200: 1,500 deducted by the married who file separately, 7,300 carried on."""
    basis = standing(
        PLAIN,
        "2025-12-31",
        carryover={2025: Carryover(Decimal(0), Decimal(9000))},
        filing_status=FilingStatus.MARRIED_SEPARATELY,
    )
    schedule, carried = schedule_d_report(basis).sections
    lines = {row["line"]: row["gain_loss"] for row in schedule.as_dicts()}
    assert (lines["14"], lines["15"], lines["21"]) == (Decimal(-9000), Decimal(-8800), Decimal(-1500))
    assert column(carried, "amount") == [0, Decimal(7300)]
    assert gains_report(basis).sections[-1].totals["difference"] == 0
