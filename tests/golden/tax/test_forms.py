"""Form 8949 and Schedule D as their instructions and worksheets work them out."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_path
from tests.tax import computed
from tests.tax_forms import a_gain, lines_and_rows, rows_of
from tickledger.domain.account import Mode
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import ClosedBy, Lot
from tickledger.tax.form_8949 import BasisReporting, FormLine, form_lines
from tickledger.tax.form_layouts import DIGITAL_BOXES
from tickledger.tax.form_rows import form_rows
from tickledger.tax.schedule_d import Carryover, Columns, FilingStatus, carryover_worksheet, schedule_d
from tickledger.tax.whole_dollars import line_in_dollars, nearest_dollar

TWO_SALES = {"X": "6000 - 2000", "Y": "5000 - 3000"}
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


@pytest.mark.parametrize(
    ("reporting", "stock", "digital"),
    [
        (BasisReporting.BASIS_REPORTED, "AD", "GJ"),
        (BasisReporting.BASIS_NOT_REPORTED, "BE", "HK"),
        (BasisReporting.NO_FORM, "CF", "IL"),
    ],
)
def test_the_boxes_of_2025(reporting: BasisReporting, stock: str, digital: str) -> None:
    """Instructions for Form 8949 (2025), p. 3-4; C and F are never for digital assets."""
    gains = [
        a_gain(f"1 {name} 2023-02-01 to 2025-06-02: 10 - 5 {term}", asset_class=kind)
        for name, kind in (("X", AssetClass.STOCK), ("BTC", AssetClass.CRYPTO))
        for term in "SL"
    ]
    lines = form_lines(gains, tax_year=2025, mode=Mode.LIVE, reporting=reporting)
    boxes = {(line.description, line.part): line.box for line in lines}
    assert boxes["1 sh. X", "I"] + boxes["1 sh. X", "II"] == stock
    assert boxes["1 BTC", "I"] + boxes["1 BTC", "II"] == digital
    assert [line.part for line in lines] == ["I", "I", "II", "II"]
    assert set(digital) <= set(DIGITAL_BOXES["I"] + DIGITAL_BOXES["II"])


def test_a_nondividend_distribution_is_on_no_broker_s_form() -> None:
    """Instructions for Form 8949 (2025), p. 5: box C or F, and so never straight to Schedule D."""
    gain = a_gain("10 X 2023-02-01 to 2025-06-02: 7 - 0 L", close_execution_id="CA:X:2025-06-02")
    (line,) = form_lines([gain], tax_year=2025, mode=Mode.LIVE, distributions={"CA:X:2025-06-02"})
    assert (line.box, line.direct_entry, str(line.proceeds), str(line.gain_loss)) == ("F", False, "7", "7")


def test_several_codes_stand_in_alphabetical_order_without_separators() -> None:
    gain = a_gain("1 X 2025-02-03 to 2025-06-02: 10 - 15 + 5 S", adjustment_code="WB")
    assert rows_of(gain)[0].codes == "BW"


def test_an_option_that_expired_says_so_instead_of_an_amount() -> None:
    """Instructions for Schedule D (2025), p. 6, and the JJJ calls of Pub. 550, p. 89, for holder and writer."""
    option = {"asset_class": AssetClass.OPTION, "closed_by": ClosedBy.EXPIRY}
    (held,) = rows_of(a_gain("10 JJJ C 2025-04-08 to 2025-12-19: 0 - 4000 S", **option))
    assert (held.description, held.date_acquired, held.date_sold) == ("10 contracts JJJ C", "04/08/2025", "12/19/2025")
    assert (held.expired, held.gain_loss) == ("d", Decimal(-4000))
    opened = date(2025, 4, 8)
    lot = Lot("lot", "W1", "T1", "JJJ C", Decimal(-10), opened, opened, Decimal(4000), Decimal(4000))
    gain = a_gain("10 JJJ C 2025-12-19 to 2025-12-19: 4000 - 0 S", is_short=True, **option)
    (written,) = rows_of(gain, lots=[lot])
    assert (written.date_acquired, written.date_sold) == ("12/19/2025", "04/08/2025")
    assert (written.expired, written.gain_loss) == ("e", Decimal(4000))


def test_a_short_sale_shows_when_the_delivered_shares_were_bought_and_delivered() -> None:
    """Instructions for Schedule D (2025), p. 6: 10 XYZ sold short for 100 and bought for 80."""
    (row,) = rows_of(a_gain("10 XYZ 2025-05-05 to 2025-05-07: 100 - 80 S", is_short=True))
    assert (row.date_acquired, row.date_sold, row.gain_loss) == ("05/05/2025", "05/07/2025", Decimal(20))


def test_a_block_of_several_purchases_is_of_various_dates() -> None:
    gain = a_gain("10 X 2025-01-02 to 2025-06-02: 7 - 5 S")
    (line,), _ = lines_and_rows(gain)
    (row,) = form_rows([replace(line, date_acquired=None)], [gain])
    assert row.date_acquired == "VARIOUS"


def test_a_row_whose_gain_is_unknown_is_refused() -> None:
    (line,), _ = lines_and_rows(a_gain("10 X 2025-01-02 to 2025-06-02: 7 - 5 S"))
    with pytest.raises(ValueError, match="expected its gain"):
        form_rows([line], [])


@pytest.mark.parametrize(
    ("amount", "dollars"),
    [("1.49", "1"), ("1.50", "2"), ("1.39", "1"), ("2.50", "3"), ("-1.49", "-1"), ("-1.50", "-2"), ("-0.30", "0")],
)
def test_whole_dollars_drop_less_than_fifty_cents(amount: str, dollars: str) -> None:
    """The first four: instructions for Form 8949 (2025), p. 3, and for Schedule D, p. 9."""
    assert str(nearest_dollar(Decimal(amount))) == dollars


def test_rows_in_whole_dollars_foot() -> None:
    (line,), _ = lines_and_rows(a_gain("3 X 2025-02-03 to 2025-06-02: 100.50 - 150.49 + 20.49 S"))
    rounded = line_in_dollars(line)
    assert [str(amount) for amount in (rounded.proceeds, rounded.basis, rounded.adjustment, rounded.gain_loss)] == [
        *("101", "150", "20"),
        "-29",
    ]
    assert (rounded.line_id, line.gain_loss) == (line.line_id, Decimal("-29.50"))


amounts = st.decimals(0, 10**7, places=2)


@given(st.lists(st.tuples(amounts, amounts, st.sampled_from("SL"), st.booleans()), max_size=30))
def test_a_schedule_in_whole_dollars_foots(sales: list[tuple[Decimal, Decimal, str, bool]]) -> None:
    gains = [
        a_gain(f"{number} X 2025-02-03 to 2025-06-02: {proceeds} - {basis} + {max(basis - proceeds, 0)} {term}")
        if is_washed and basis > proceeds
        else a_gain(f"{number} X 2025-02-03 to 2025-06-02: {proceeds} - {basis} {term}")
        for number, (proceeds, basis, term, is_washed) in enumerate(sales, start=1)
    ]
    lines, _ = lines_and_rows(*gains)
    schedule = schedule_d(lines, tax_year=2025, in_whole_dollars=True, mode=Mode.LIVE)
    listed = [line_in_dollars(line) for line in lines if not line.direct_entry]
    for name, part in (("1b", "I"), ("8b", "II")):
        rows = [line for line in listed if line.part == part]
        assert schedule.lines[name] == Columns(
            proceeds=sum((row.proceeds for row in rows), Decimal(0)),
            basis=sum((row.basis for row in rows), Decimal(0)),
            adjustment=sum((row.adjustment for row in rows), Decimal(0)),
            gain_loss=sum((row.gain_loss for row in rows), Decimal(0)),
        )
    for columns in schedule.lines.values():
        assert columns.gain_loss == columns.proceeds - columns.basis + columns.adjustment
        assert all(amount == amount.to_integral_value() for amount in (columns.proceeds, columns.gain_loss))
    results = schedule.results
    assert results["16"] == results["7"] + results["15"]
    assert results["7"] == sum(schedule.lines[name].gain_loss for name in ("1a", "1b", "2", "3"))


def test_line_1a_adds_up_the_cents_and_rounds_the_total() -> None:
    """Instructions for Schedule D (2025), p. 9: include cents when adding, round off only the total."""
    gains = [a_gain(f"{n} X 2025-02-03 to 2025-06-02: 10.40 - 5.00 S") for n in (1, 2)]
    schedule = schedule_d(lines_and_rows(*gains)[0], tax_year=2025, in_whole_dollars=True)
    assert schedule.lines["1a"] == Columns(Decimal(21), Decimal(10), Decimal(0), Decimal(11))


def test_example_1_of_the_instructions_goes_to_line_8a() -> None:
    """Instructions for Schedule D (2025), p. 10-11, Example 1: two sales, 6,000 - 2,000 and 5,000 - 3,000."""
    gains = [a_gain(f"1 {name} 2022-02-03 to 2025-06-02: {sold} L") for name, sold in TWO_SALES.items()]
    schedule = schedule_d(lines_and_rows(*gains)[0], tax_year=2025)
    assert schedule.lines["8a"] == Columns(Decimal(11_000), Decimal(5_000), Decimal(0), Decimal(6_000))
    assert schedule.questions == {"qof": None, "17": True, "20": None, "22": None}


@pytest.mark.parametrize(("sold", "answer"), [("10 - 5 S", False), ("10 - 5 L", True), ("5 - 10 L", None)])
def test_line_17_is_answered_where_line_16_is_a_gain(sold: str, *, answer: bool | None) -> None:
    lines, _ = lines_and_rows(a_gain(f"1 X 2022-02-03 to 2025-06-02: {sold}"))
    assert schedule_d(lines, tax_year=2025).questions["17"] is answer


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
