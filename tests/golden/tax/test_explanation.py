"""What an explanation says of published examples, and that every sum it prints is one: read out of the text again."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.tax import account, action, computed, fills
from tickledger.domain.instrument import AssetClass, OptionContract, OptionRight
from tickledger.domain.lot import ClosedBy, Lot, RealizedGain, Term
from tickledger.tax.evidence import gathered
from tickledger.tax.explanation import explain_gain, explanations
from tickledger.tax.fills import Fill, FillSide
from tickledger.tax.result import TaxResult

_MONEY = r"−?\d+\.\d\d(?!\d|\.\d)"
_EQUATION = re.compile(rf"({_MONEY}(?: [+−] {_MONEY})*) = ({_MONEY})")


def money(text: str) -> Decimal:
    return Decimal(text.replace("−", "-"))


def equations(text: str) -> Iterator[tuple[list[Decimal], Decimal]]:
    """Each sum in a text: its signed parts and its total as printed."""
    for parts, total in _EQUATION.findall(text):
        terms = re.split(r" (?=[+−] )", parts)
        yield [money(term.removeprefix("+ ").replace("− ", "−")) for term in terms], money(total)


def assert_foots(text: str, gain: RealizedGain) -> None:
    """All sums are right, and what each section ends with is what the row says."""
    assert "\n" not in text
    for parts, total in equations(text):
        assert sum(parts) == total, text
    for name, amount in {"Proceeds": gain.proceeds, "Basis": gain.basis}.items():
        assert _section(text, name).endswith(f"{amount:.2f}".replace("-", "−")), text
    result = _section(text, "Gain|Loss|Result")
    assert money(result.rpartition(" = ")[2]) == gain.proceeds - gain.basis
    if gain.disallowed_loss:
        assert money(_section(text, "Disallowed").rpartition(" = ")[2]) == gain.disallowed_loss
        assert money(_section(text, "Allowed").rpartition(" = ")[2]) == gain.gain_loss


def _section(text: str, name: str) -> str:
    """The amounts that a section starts with: ``Basis: 800.00 + 250.00 = 1050.00``."""
    found = re.search(rf"(?:^| )(?:{name}): ({_MONEY}(?: [+−=] {_MONEY})*)", text)
    assert found, (name, text)
    return found[1]


def explained(text: str, **given: Any) -> tuple[TaxResult, list[str]]:
    """The result of a history and the paragraph of each gain, every one of which foots."""
    result = computed(text, **given)
    known = {name: given[name] for name in ("accounts", "corporate_actions") if name in given}
    told = explanations(result, fills=fills(text), **known)
    for gain in result.gains:
        assert_foots(told[gain.gain_id], gain)
    return result, [told[gain.gain_id] for gain in result.gains]


def test_publication_550_more_or_less_stock_bought_than_sold() -> None:
    """Pub. 550 (2025), wash sales, Example 1: a loss of 1,000, of which 750 is disallowed and 250 deductible."""
    _, (paragraph,) = explained("""
        B1 2024-09-20 buys 100 M for 5000
        B2 2024-12-13 buys 50 M for 2750
        B3 2024-12-20 buys 25 M for 1125
        S1 2025-01-03 sells 100 M for 4000 lots B1:100
    """)
    start = "100 shares of M, bought on 2024-09-20 (B1) in T1 (taxable), sold on 2025-01-03 (S1)."
    assert paragraph.startswith(start)
    assert (
        "Term: short-term. It counts from the day after the purchase: from 2024-09-21 to 2025-01-03 are 105 days"
        in (paragraph)
    )
    assert "a sale is long-term from 2025-09-21 on (IRC 1222)." in paragraph
    assert "Loss: 4000.00 − 5000.00 = −1000.00." in paragraph
    assert "Replacements from 2024-12-04 to 2025-02-02 (IRC 1091(a)):" in paragraph
    assert "50 shares of M bought on 2024-12-13 (B2) in T1 (taxable) take over 500.00" in paragraph
    assert "25 shares of M bought on 2024-12-20 (B3) in T1 (taxable) take over 250.00" in paragraph
    assert "(IRC 1091(a), (d); Reg. 1.1091-1)" in paragraph
    assert "Disallowed: 500.00 + 250.00 = 750.00, none of it for good." in paragraph
    assert "Allowed: −1000.00 + 750.00 = −250.00, reported in 2025 with code W." in paragraph


def test_250_dollars_are_added_to_a_cost_of_800_and_the_days_held_come_before_the_purchase() -> None:
    """The IRS's own workout: sold for 750 what cost 1,000, bought again for 800: the basis is 1,050 (IRC 1091(d))."""
    _, (lost, gained) = explained("""
        B1 2024-02-01 buys 100 X for 990 fee 10
        S1 2024-06-03 sells 100 X for 755 fee 5
        B2 2024-06-28 buys 100 X for 800
        S2 2025-02-24 sells 100 X for 1100
    """)
    assert "Proceeds: 755.00 − 5.00 = 750.00, the price, less selling costs." in lost
    assert "Basis: 1000.00, what they cost, costs included." in lost
    assert "Disallowed: 250.00, none of it for good." in lost
    assert (
        "Basis: 800.00 + 250.00 = 1050.00, what they cost, costs included, and the loss carried in from the sale on "
        in (gained)
    )
    assert "the sale on 2024-06-03 (S1), which they replaced." in gained
    # 123 days from 2 February to 3 June 2024; 28 June less 123 days is 26 February.
    assert (
        "The 123 days that the shares of the sale on 2024-06-03 (S1) had been held come before the purchase" in gained
    )
    assert "2024-06-28 − 123 days = 2024-02-26: from 2024-02-27 to 2025-02-24 are 364 days" in gained
    assert "Term: short-term" in gained
    assert "a sale is long-term from 2025-02-27 on" in gained
    assert "Gain: 1100.00 − 1050.00 = 50.00, reported in 2025." in gained


def test_revenue_ruling_2008_5_says_that_the_loss_is_lost_and_whose_account_bought() -> None:
    _, (paragraph,) = explained(
        """
        B1 2007-03-01 buys 100 X @ 10
        S1 2007-12-20 sells 100 X @ 8
        B2 2007-12-21 buys 100 X @ 8.10 in IRA
        S2 2008-06-02 sells 100 X @ 9 in IRA
        """,
        accounts=[account("T1"), account("IRA", "ira")],
    )
    assert (
        "100 shares of X bought on 2007-12-21 (B2) in IRA (an IRA) take over 200.00, lost for good (Rev. Rul. 2008-5"
        in (paragraph)
    )
    assert "Disallowed: 200.00, all of it for good. Allowed: −200.00 + 200.00 = 0.00" in paragraph


def test_a_chain_of_three_carries_one_loss_into_the_next_basis() -> None:
    """IRC 1091(d) twice: 200 of loss on the first lot, then 350 on the second's adjusted basis, end in the third."""
    _, (first, second, third) = explained("""
        B1 2025-01-06 buys 100 X @ 10
        S1 2025-02-03 sells 100 X @ 8
        B2 2025-02-10 buys 100 X @ 8.50
        S2 2025-03-03 sells 100 X @ 7
        B3 2025-03-10 buys 100 X @ 7.50
        S3 2025-06-02 sells 100 X @ 6
        E 2025-12-31 buys 1 OTHER @ 1
    """)
    assert "Loss: 800.00 − 1000.00 = −200.00." in first
    assert "Basis: 850.00 + 200.00 = 1050.00" in second
    assert "from the sale on 2025-02-03 (S1)" in second
    assert "Loss: 700.00 − 1050.00 = −350.00." in second
    assert "Basis: 750.00 + 350.00 = 1100.00" in third
    assert "from the sale on 2025-03-03 (S2)" in third
    assert "Loss: 600.00 − 1100.00 = −500.00." in third
    # 28 days of the first and, tacked to them, 21 of the second: the third counts from 49 days before its purchase.
    assert "2025-03-10 − 49 days = 2025-01-20" in third
    assert "Replacements from 2025-05-03 to 2025-07-02 (IRC 1091(a)): none, so all of it is allowed" in third


def test_a_short_sale_closed_with_new_shares_is_short_term() -> None:
    """Pub. 550, p. 85 (Ace): open for 13 months, closed with shares bought that day: a short-term loss of 500."""
    _, (paragraph,) = explained("""
        SS 2024-01-10 shorts 100 ACE @ 10
        CL 2025-02-18 covers 100 ACE @ 15
    """)
    assert paragraph.startswith(
        "100 shares of ACE, sold short on 2024-01-10 (SS) in T1 (taxable), closed on 2025-02-18 with what was bought "
        "that day (CL)."
    )
    assert "Proceeds: 1000.00, what the short sale brought, net of costs." in paragraph
    assert "Basis: 1500.00, what closing it cost, costs included." in paragraph
    assert "Term: short-term, since what closed it was not held (IRC 1233; Pub. 550, p. 85)." in paragraph
    assert "Provisional, open until 2025-03-20:" in paragraph


def test_losses_of_short_sales_go_to_the_next_short_or_to_a_sale_of_shares() -> None:
    """IRC 1091(e)(2) and (1): off the next short's proceeds, or into what a later sale reports."""
    _, (_, next_short) = explained("""
        A 2025-02-03 shorts 100 X @ 10
        B 2025-03-03 covers 100 X @ 12
        C 2025-03-20 shorts 60 X @ 12
        D 2025-04-21 covers 60 X @ 9
    """)
    assert (
        "Proceeds: 720.00 − 120.00 = 600.00, what the short sale brought, net of costs, less the loss carried in "
        in (next_short)
    )
    assert "from the short closed on 2025-03-03 (B)" in next_short
    _, (short, sale) = explained("""
        A 2024-12-02 shorts 10 X @ 10
        B 2024-12-20 covers 10 X @ 12
        C 2024-12-23 buys 10 X @ 12
        D 2025-01-10 sells 10 X @ 15
    """)
    assert "10 shares of X sold on 2025-01-10 (D) in T1 (taxable) take over 20.00" in short
    assert "Basis: 120.00 + 20.00 = 140.00" in sale
    assert "the loss that this sale takes over from the short closed on 2024-12-20 (B) (IRC 1091(e)(1))" in sale


def test_capital_returned_above_the_basis_is_gain_and_what_is_returned_below_it_lowers_it() -> None:
    """IRC 301(c)(2), (3): 5 a share of basis are used up by 7, and 2 a share are gain; of 9 a share 2 are left."""
    _, (excess, sale) = explained(
        """
        B1 2024-01-02 buys 100 X @ 5
        B2 2024-01-03 buys 100 X @ 9
        S1 2024-08-01 sells 50 X @ 9 lots B2:50
        """,
        corporate_actions=[action("X 2024-06-03 return_of_capital", amount="7")],
    )
    assert "the return of capital of X on 2024-06-03 (CA:X:2024-06-03) paid more on them than their basis" in excess
    assert "Gain: 200.00 − 0.00 = 200.00" in excess
    assert "Basis: 450.00 − 350.00 = 100.00, what they cost, costs included, less capital returned since." in sale


def test_a_fraction_sold_for_cash_in_lieu_and_cash_beside_stock_name_their_event() -> None:
    """Pub. 550, p. 63; IRC 356(a): ten shares that cost 180 become five worth 150 and 50 in cash, a gain of 20."""
    _, (fraction,) = explained(
        "B1 2024-01-02 buys 105 X @ 10",
        corporate_actions=[action("X 2025-03-10 split", ratio="1/10", cash_in_lieu="45")],
    )
    assert "a fraction that the split of X on 2025-03-10 (CA:X:2025-03-10) left, sold for the cash" in fraction
    assert "Loss: 45.00 − 50.00 = −5.00." in fraction
    _, (boot,) = explained(
        "B1 2024-01-02 buys 10 X @ 18",
        corporate_actions=[action("X 2025-06-03 merger", ratio="1/2", new_symbol="Y", amount="5", fmv_new="30")],
    )
    assert "paid cash on them beside new shares, which is gain up to the cash (IRC 356)" in boot
    assert "Gain: 50.00 − 30.00 = 20.00" in boot
    _, (cashed,) = explained(
        "B1 2024-01-02 buys 10 X @ 30", corporate_actions=[action("X 2025-06-03 merger", amount="42.50")]
    )
    assert "exchanged for the cash that the merger of X on 2025-06-03 (CA:X:2025-06-03) paid" in cashed
    assert "Term: long-term" in cashed


def test_a_replacement_that_was_split_or_renamed_still_tells_whose_loss_it_carries() -> None:
    _, paragraphs = explained(
        """
        B1 2024-01-02 buys 10 OLD @ 100
        S1 2024-03-01 sells 10 OLD @ 80
        B2 2024-03-10 buys 10 OLD @ 80
        S2 2025-02-15 sells 15 NEW @ 60
        """,
        corporate_actions=[
            action("OLD 2024-06-03 split", ratio="2"),
            action("OLD 2024-09-03 ticker_change", new_symbol="NEW"),
        ],
    )
    assert paragraphs[1].startswith("15 shares of NEW, bought as OLD on 2024-03-10 (B2)")
    assert "Basis: 600.00 + 150.00 = 750.00" in paragraphs[1]
    assert "the loss carried in from the sale on 2024-03-01 (S1)" in paragraphs[1]
    assert "2024-03-10 − 59 days = 2024-01-11" in paragraphs[1]


def test_digital_assets_have_no_wash_sales() -> None:
    """IRC 1091 covers stock and securities; instructions for Schedule D (2025), p. 5."""
    _, (paragraph,) = explained("""
        B1 2024-01-02 buys 2.5 BTC @ 40000 class crypto
        S1 2024-03-01 sells 0.5 BTC @ 30000 class crypto
        B2 2024-03-02 buys 0.5 BTC @ 30000 class crypto
    """)
    assert paragraph.startswith("0.5 BTC, bought on 2024-01-02")
    assert "Section 1091 does not cover digital assets: all of it is allowed, reported in 2024." in paragraph


def test_the_lot_that_carries_a_loss_and_the_policies_of_a_row_are_named() -> None:
    """The adjustment names the lot; each policy is told by number, setting, value and meaning."""
    text = """
        B1 2024-09-20 buys 100 M for 5000
        B2 2024-12-13 buys 100 M for 5500
        S1 2025-01-03 sells 100 M for 4000 lots B1:100
    """
    result = computed(text)
    (lot,) = (lot for lot in result.lots if lot.open_execution_id == "B2")
    (wash,) = (replace(wash, replacement_lot_id=lot.lot_id) for wash in result.wash_sales)
    (gain,) = (replace(gain, policies=("P4", "P6")) for gain in result.gains)
    evidence = gathered([gain], wash_sales=[wash], lots=result.lots, fills=fills(text))
    paragraph = explain_gain(gain, evidence)
    assert f"take over 1000.00, carried by {lot.lot_id} (IRC 1091(a)" in paragraph
    assert paragraph.endswith(
        "Unsettled points it depends on: P4 ties (trade_order: purchases of one day replace in the order of the trades "
        "(Reg. 1.1091-1(c), (d))); P6 overlapping_days (count_twice: all days the sold shares were held are added to "
        "their replacement's (IRC 1223(3)))."
    )


def option_gain(**changed: Any) -> tuple[RealizedGain, Lot]:
    """Ten contracts bought for 4,000 on 8 April 2024, expired in December."""
    gain = RealizedGain(
        gain_id="gain_1",
        close_execution_id="E1",
        open_execution_id="B1",
        lot_id="lot_1",
        account_id="T1",
        symbol="JJJ241220C00050",
        quantity=Decimal(10),
        acquired_date=date(2024, 4, 8),
        holding_start=date(2024, 4, 8),
        sold_date=date(2024, 12, 20),
        proceeds=Decimal("0.00"),
        basis=Decimal("4000.00"),
        adjustment_code="",
        disallowed_loss=Decimal(0),
        gain_loss=Decimal("-4000.00"),
        term=Term.SHORT,
        permanently_disallowed=Decimal(0),
        tax_year=2024,
        asset_class=AssetClass.OPTION,
        closed_by=ClosedBy.EXPIRY,
    )
    gain = replace(gain, **changed)
    sign = -1 if gain.is_short else 1
    money = gain.proceeds if gain.is_short else gain.basis
    lot = Lot(
        lot_id="lot_1",
        open_execution_id="B1",
        account_id="T1",
        symbol=gain.symbol,
        quantity=sign * gain.quantity,
        acquired_date=date(2024, 4, 8),
        holding_start=date(2024, 4, 8),
        original_basis=money,
        adjusted_basis=money,
        asset_class=AssetClass.OPTION,
    )
    return gain, lot


def test_an_option_that_expires_is_a_loss_to_its_holder_and_a_gain_to_its_writer() -> None:
    """Pub. 550, options, Example 1: a short-term loss of 4,000 to the holder, a gain of 4,000 to the writer.

    The writer's is short-term however long it was open (IRC 1234(b)).
    """
    gain, lot = option_gain()
    held = explain_gain(gain, gathered([gain], wash_sales=[], lots=[lot]))
    assert_foots(held, gain)
    assert held.startswith("10 contracts of JJJ241220C00050, acquired on 2024-04-08 (B1) in T1 (taxable), expired on ")
    assert "Proceeds: 0.00, since it expired without being used." in held
    assert "Loss: 0.00 − 4000.00 = −4000.00." in held
    gain, lot = option_gain(
        is_short=True,
        proceeds=Decimal("4000.00"),
        basis=Decimal("0.00"),
        gain_loss=Decimal("4000.00"),
        acquired_date=date(2024, 12, 20),
        holding_start=date(2022, 1, 3),
    )
    written = explain_gain(gain, gathered([gain], wash_sales=[], lots=[lot]))
    assert_foots(written, gain)
    assert written.startswith("10 contracts of JJJ241220C00050, written on 2024-04-08 (B1)")
    assert "Proceeds: 4000.00, what writing them brought, net of costs." in written
    assert "Basis: 0.00, since nothing was paid to close it." in written
    assert "Term: short-term, as always for the writer of an option (IRC 1234(b))." in written


def exercise(side: FillSide) -> tuple[RealizedGain, Lot, Fill]:
    """1,000 shares at 50 by the ten calls that cost 4,000, sold half a year later for 60,000."""
    gain, lot = option_gain(
        symbol="JJJ",
        quantity=Decimal(1000),
        proceeds=Decimal("60000.00"),
        basis=Decimal("54000.00"),
        gain_loss=Decimal("6000.00"),
        asset_class=AssetClass.STOCK,
        closed_by=ClosedBy.TRADE,
    )
    contract = OptionContract("JJJ", date(2024, 12, 20), Decimal(50), OptionRight.CALL)
    fill = Fill(
        execution_id="B1",
        order_id="B1",
        account_id="T1",
        symbol="JJJ241220C00050",
        side=side,
        quantity=Decimal(10),
        gross_amount=Decimal(0),
        commission=Decimal(0),
        trade_date=lot.acquired_date,
        asset_class=AssetClass.OPTION,
        contract=contract,
    )
    return gain, lot, fill


def test_the_premium_of_an_option_that_was_exercised_belongs_to_the_price_of_the_shares() -> None:
    """Pub. 550, options, Example 3: its buyer adds the 4,000 to the basis, its writer to the amount realized."""
    gain, lot, fill = exercise(FillSide.EXERCISE)
    held = explain_gain(gain, gathered([gain], wash_sales=[], lots=[lot], fills=[fill]))
    assert_foots(held, gain)
    assert held.startswith("1000 shares of JJJ, acquired by exercise of JJJ241220C00050 on 2024-04-08 (B1)")
    assert "Basis: 50000.00 + 4000.00 = 54000.00, the strike price, and the premium of the option" in held
    _, lot, fill = exercise(FillSide.ASSIGN)
    called = replace(gain, open_execution_id="B0", close_execution_id="B1", proceeds=gain.basis, gain_loss=Decimal(0))
    written = explain_gain(called, gathered([called], wash_sales=[], lots=[lot], fills=[fill]))
    assert_foots(written, called)
    assert "sold by assignment of JJJ241220C00050 on 2024-12-20 (B1)" in written
    assert "Proceeds: 50000.00 + 4000.00 = 54000.00, the strike price, and the premium of the option" in written


@pytest.mark.parametrize(
    ("term", "acquired", "reason"),
    [
        (Term.LONG, date(2024, 12, 20), "since identical shares had been held for more than a year"),
        (Term.SHORT, date(2022, 1, 3), "since identical shares held for a year or less stood beside the short sale"),
    ],
)
def test_a_short_sale_beside_shares_has_the_term_that_section_1233_gives(
    term: Term, acquired: date, reason: str
) -> None:
    """IRC 1233(b), (d); Pub. 550, p. 85–86."""
    gain, lot = option_gain(
        asset_class=AssetClass.STOCK,
        closed_by=ClosedBy.TRADE,
        is_short=True,
        term=term,
        acquired_date=acquired,
        holding_start=acquired,
    )
    paragraph = explain_gain(gain, gathered([gain], wash_sales=[], lots=[lot]))
    assert reason in paragraph


def test_a_holding_period_that_a_short_sale_starts_anew_says_so() -> None:
    """IRC 1233(b)(2): shares held for a year or less when identical ones were sold short."""
    gain, lot = option_gain(asset_class=AssetClass.STOCK, closed_by=ClosedBy.TRADE, holding_start=date(2024, 6, 3))
    paragraph = explain_gain(gain, gathered([gain], wash_sales=[], lots=[lot]))
    assert "It counts anew from the day after 2024-06-03, when a short sale ended (IRC 1233(b)(2))" in paragraph
    assert "from 2024-06-04 to 2024-12-20 are 200 days" in paragraph


def test_shares_sold_on_the_day_they_were_bought_were_held_for_no_day() -> None:
    """The count starts on the day after (Pub. 550, p. 81)."""
    _, (paragraph,) = explained("""
        B1 2025-03-03 buys 10 X @ 10
        S1 2025-03-03 sells 10 X @ 11
    """)
    assert "It counts from the day after the purchase: that is none, since they left on the same one" in paragraph
