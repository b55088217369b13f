"""The wash-sale report: each disallowed dollar, where it went, and what purchases can still disallow."""

from datetime import date
from decimal import Decimal

from hypothesis import given, settings

from tests.examples import examples
from tests.unit.reporting.books import ACCOUNTS, column, histories, standing
from tickledger.reporting.tax_reports_wash_sales import open_windows, replacements, wash_sales_report

#: Pub. 550, p. 86: 100 shares for 1,000, sold for 750, 100 bought again for 800: 250 go into their basis.
PUBLICATION_550 = (
    "B1 2025-03-03 buys 100 X for 1000\nS1 2025-06-02 sells 100 X for 750\nB2 2025-06-20 buys 100 X for 800\n"
)


def test_publication_550_the_loss_is_in_the_basis_of_what_was_bought() -> None:
    washes, windows, lots = wash_sales_report(standing(PUBLICATION_550, "2025-06-20")).sections
    (row,) = washes.as_dicts()
    assert (row["disallowed_loss"], row["permanently_disallowed"]) == (250, 0)
    assert (row["sold_date"], row["replacement_date"]) == (date(2025, 6, 2), date(2025, 6, 20))
    assert (row["carried_to"], row["in_box_1g"], row["replacement_execution_id"]) == ("basis of the lot", "yes", "B2")
    assert column(lots, "adjusted_basis") == [1050]
    assert column(lots, "lot_id") == [row["replacement_lot_id"]]
    assert windows.rows == ()


def test_what_an_ira_bought_is_lost_for_good_and_in_no_broker_s_box() -> None:
    history = "B1 2025-03-03 buys 100 X @ 10\nS1 2025-06-02 sells 100 X @ 7\nB2 2025-06-10 buys 40 X @ 8 in IRA\n"
    washes, windows, lots = wash_sales_report(standing(history, "2025-06-12", accounts=ACCOUNTS)).sections
    (row,) = washes.as_dicts()
    assert (row["permanently_disallowed"], row["in_box_1g"]) == (120, "no")
    assert (row["carried_to"], row["replacement_account"], row["replacement_lot_id"]) == (
        "lost for good: bought in ira",
        "IRA",
        None,
    )
    (window,) = windows.as_dicts()
    assert (window["shares"], window["open_loss"], window["open_until"]) == (60, 180, date(2025, 7, 2))
    assert lots.rows == ()


def test_another_account_of_the_taxpayer_s_is_told_apart_from_box_1g() -> None:
    history = "B1 2025-03-03 buys 100 X @ 10\nS1 2025-06-02 sells 100 X @ 7\nB2 2025-06-10 buys 100 X @ 8 in T2\n"
    (row,) = replacements(standing(history, "2025-12-01", accounts=ACCOUNTS))
    assert (row.is_in_1g, row.account_id, row.destination({})) == (False, "T2", "basis of the lot")


def test_a_window_is_open_through_its_thirtieth_day() -> None:
    history = "B1 2025-03-03 buys 100 X @ 10\nS1 2025-12-15 sells 100 X @ 7\n"
    (window,) = open_windows(standing(history, "2026-01-14"))
    assert (window.until, window.open_loss, window.shares) == (date(2026, 1, 14), Decimal(300), Decimal(100))
    assert open_windows(standing(history, "2026-01-15")) == []


def test_a_loss_of_december_is_in_the_windows_of_january_and_in_the_wash_sales_of_its_own_year() -> None:
    history = "B1 2025-03-03 buys 100 X @ 10\nS1 2025-12-15 sells 100 X @ 7\nB2 2026-01-05 buys 50 X @ 7\n"
    washes, windows, _ = wash_sales_report(standing(history, "2026-01-05")).sections
    assert washes.rows == ()
    assert column(windows, "open_loss") == [150]
    assert wash_sales_report(standing(history, "2026-01-05", year=2025)).sections[0].totals["disallowed_loss"] == 150


@settings(max_examples=examples(60))
@given(histories())
def test_every_disallowed_dollar_of_a_year_is_in_one_row(history: str) -> None:
    for year in (2024, 2025, 2026):
        basis = standing(history, "2027-06-30", year=year, accounts=ACCOUNTS)
        section = wash_sales_report(basis).sections[0]
        assert section.totals["disallowed_loss"] == sum(gain.disallowed_loss for gain in basis.gains)
        assert section.totals["permanently_disallowed"] == sum(gain.permanently_disallowed for gain in basis.gains)
        for row in section.as_dicts():
            lost = row["permanently_disallowed"] == row["disallowed_loss"] and row["disallowed_loss"] != Decimal(0)
            assert (row["replacement_lot_id"] is None) == lost
