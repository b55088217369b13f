"""Form 8949 and Schedule D as their instructions and worksheets work them out."""

import json
from decimal import Decimal

import pytest

from tests.shared import shared_path
from tests.tax import computed
from tickledger.domain.account import Mode
from tickledger.tax.form_8949 import BasisReporting, FormLine, form_lines
from tickledger.tax.schedule_d import Carryover, FilingStatus, carryover_worksheet, schedule_d

HISTORY = """
    B1 2023-01-10 buys 10 X @ 50
    B2 2024-12-02 buys 10 X @ 60
    S1 2025-02-03 sells 15 X @ 55 fee 1.00
    B3 2025-02-10 buys 2 X @ 54
    S2 2025-06-02 sells 5 X @ 70
    C1 2025-01-02 buys 2 BTC @ 100 class crypto
    C2 2025-03-03 sells 2 BTC @ 90 class crypto
    C3 2025-03-04 buys 2 BTC @ 90 class crypto
"""


def lines_of(history: str, *, year: int = 2025, mode: Mode = Mode.LIVE) -> tuple[FormLine, ...]:
    return form_lines(computed(history).gains, tax_year=year, mode=mode)


def test_rows_go_to_the_boxes_of_their_term_and_asset() -> None:
    rows = {(line.box, line.part, line.description) for line in lines_of(HISTORY)}
    assert rows == {
        ("A", "I", "5 sh. X"),
        ("D", "II", "10 sh. X"),
        ("G", "I", "2 BTC"),
    }


def test_wash_sales_are_code_w_with_a_positive_adjustment_and_must_be_listed() -> None:
    washed = next(line for line in lines_of(HISTORY) if line.codes)
    assert (washed.codes, str(washed.adjustment), washed.direct_entry) == ("W", "10.13", False)
    assert washed.gain_loss == washed.proceeds - washed.basis + washed.adjustment


def test_rows_without_adjustment_may_go_straight_to_schedule_d() -> None:
    assert all(line.direct_entry for line in lines_of(HISTORY) if not line.codes)
    unreported = form_lines(
        computed(HISTORY).gains, tax_year=2025, mode=Mode.LIVE, reporting=BasisReporting.BASIS_NOT_REPORTED
    )
    assert {line.box for line in unreported} == {"B", "E", "H"}
    assert not any(line.direct_entry for line in unreported)


def test_digital_assets_had_no_boxes_of_their_own_before_2025() -> None:
    lines = lines_of(
        """
        C1 2024-01-02 buys 2 BTC @ 100 class crypto
        C2 2024-03-03 sells 2 BTC @ 90 class crypto
        """,
        year=2024,
    )
    assert [line.box for line in lines] == ["C"]


def test_pieces_of_one_lot_sold_by_one_fill_share_a_row() -> None:
    """Two earlier losses cut the lot into three; the form shows the sale once, with every gain it holds."""
    history = """
        B1 2025-01-02 buys 10 X @ 50
        S1 2025-03-03 sells 2 X @ 40
        S2 2025-03-04 sells 3 X @ 30
        B2 2025-03-10 buys 9 X @ 35
        S3 2025-08-01 sells 9 X @ 90 lots B2:9
    """
    line = lines_of(history)[-1]
    assert (line.description, str(line.proceeds), str(line.basis)) == ("9 sh. X", "810.00", "395.00")
    assert len(line.gain_ids) == 3


@pytest.mark.parametrize(
    ("mode", "watermark"),
    [
        (Mode.SIMULATED, "SIMULATED - NOT FOR FILING"),
        (Mode.PAPER, "PAPER TRADING - NOT FOR FILING"),
        (Mode.LIVE, None),
    ],
)
def test_forms_of_money_that_is_not_real_carry_a_watermark(mode: Mode, watermark: str | None) -> None:
    lines = lines_of(HISTORY, mode=mode)
    assert {line.watermark for line in lines} == {watermark}
    assert schedule_d(lines, tax_year=2025).watermark == watermark
    assert schedule_d((), tax_year=2025, mode=mode).watermark == watermark


def test_schedule_d_totals_each_line_from_its_boxes() -> None:
    schedule = schedule_d(lines_of(HISTORY), tax_year=2025)
    listed = {name: str(line.gain_loss) for name, line in schedule.lines.items() if line.proceeds}
    # 5 of B2 lost 25.33, of which 2 shares' worth is washed into B3; box G and the two other sales are direct.
    assert listed == {"1a": "30.00", "1b": "-15.20", "8a": "49.33"}
    assert {name: str(amount) for name, amount in schedule.results.items()} == {
        "6": "0.00",
        "7": "14.80",
        "14": "0.00",
        "15": "49.33",
        "16": "64.13",
        "21": "0.00",
    }


@pytest.mark.parametrize(
    ("status", "deducted", "carried"),
    [(FilingStatus.OTHER, "3000.00", "1500.00"), (FilingStatus.MARRIED_SEPARATELY, "1500.00", "3000.00")],
)
def test_a_loss_is_deducted_up_to_the_limit_and_the_rest_is_carried(
    status: FilingStatus, deducted: str, carried: str
) -> None:
    lines = lines_of("""
        B1 2025-01-02 buys 100 X @ 100
        S1 2025-03-03 sells 100 X @ 55
    """)
    schedule = schedule_d(lines, tax_year=2025, filing_status=status)
    assert (str(schedule.results["21"]), str(schedule.carryover.short_term)) == (deducted, carried)
    assert schedule.carryover.long_term == 0


def test_last_year_s_carryover_reduces_this_year_s_gain_by_its_character() -> None:
    lines = lines_of("""
        B1 2023-01-10 buys 100 X @ 50
        S1 2025-03-03 sells 100 X @ 60
    """)
    carried = Carryover(short_term=Decimal("200.00"), long_term=Decimal("400.00"))
    schedule = schedule_d(lines, tax_year=2025, carryover=carried)
    assert [str(schedule.results[line]) for line in ("7", "15", "16")] == ["-200.00", "600.00", "400.00"]


@pytest.mark.parametrize(
    ("income", "short", "long", "carry_short", "carry_long"),
    [
        (50_000, -5000, -4000, 2000, 4000),
        (50_000, -1000, -6000, 0, 4000),
        (50_000, -9000, 2000, 4000, 0),
        (-1500, -5000, 0, 3500, 0),
        (50_000, -3000, 0, 0, 0),
        (50_000, 1000, -9000, 0, 5000),
    ],
)
def test_publication_550_carryover_worksheet(
    income: int, short: int, long: int, carry_short: int, carry_long: int
) -> None:
    """Worksheet 4-1: short-term losses are used first, and what is left keeps its character."""
    results = {"7": Decimal(short), "15": Decimal(long), "21": Decimal(min(-(short + long), 3000))}
    carried = carryover_worksheet(results, taxable_income=Decimal(income))
    assert carried == Carryover(Decimal(carry_short), Decimal(carry_long))


def test_the_shared_worksheet_cases_agree() -> None:
    cases = json.loads(shared_path("tax/cases.json").read_text())
    worksheets = [case["expected"]["other"] for case in cases if case["id"].startswith("derived-carryover-worksheet")]
    assert len(worksheets) == 5
    for sheet in worksheets:
        results = {"7": Decimal(sheet["net_st"]), "15": Decimal(sheet["net_lt"]), "21": Decimal(sheet["deduct"])}
        carried = carryover_worksheet(results, taxable_income=Decimal(sheet["taxable_income_line15"]))
        assert (carried.short_term, carried.long_term) == (sheet["carry_st"], sheet["carry_lt"])


def test_the_schedule_as_json_names_every_line() -> None:
    document = schedule_d(lines_of(HISTORY), tax_year=2025).to_dict()
    lines = document["lines"]
    assert isinstance(lines, dict)
    assert list(lines) == ["1a", "1b", "2", "3", "6", "7", "8a", "8b", "9", "10", "14", "15", "16", "21"]
    assert lines["1b"]["h"] == -15.2
