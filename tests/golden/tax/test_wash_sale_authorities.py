"""Wash sales as the regulation, the rulings and Publication 550 work them out, with the numbers they print.

W1 to W20 are the rules of docs/tax-rules.md.
"""

from tests.tax import account, action, computed, gain_lines, open_lines


def test_regulation_example_1_a_purchase_before_the_sale_replaces() -> None:
    """W1, W9. Reg. 1.1091-1(h) ex. 1: bought on 1 and 15 December 1954, the first 100 sold at a loss on 3 January."""
    result = computed("""
        B1 1954-12-01 buys 100 M for 10000
        B2 1954-12-15 buys 100 M for 9000
        S1 1955-01-03 sells 100 M for 9000 lots B1:100
    """)
    assert gain_lines(result) == ["S1 of B1: 100 sh. since 1954-12-01, 9000.00 - 10000.00 + 1000.00 = 0.00 S"]
    assert open_lines(result) == ["B2: 100 sh. since 1954-11-12, basis 10000.00"]


def test_regulation_example_2_fewer_shares_bought_than_sold() -> None:
    """W5. Reg. 1.1091-1(h) ex. 2: 75 shares replace 75 of 100; 250 is deductible, the new bases are 3,250 and 1,375."""
    result = computed("""
        B1 1954-09-21 buys 100 M for 5000
        B2 1954-12-21 buys 50 M for 2750
        B3 1954-12-27 buys 25 M for 1125
        S1 1955-01-03 sells 100 M for 4000 lots B1:100
    """)
    assert gain_lines(result) == ["S1 of B1: 100 sh. since 1954-09-21, 4000.00 - 5000.00 + 750.00 = -250.00 S"]
    assert open_lines(result) == [
        "B2: 50 sh. since 1954-09-08, basis 3250.00",
        "B3: 25 sh. since 1954-09-14, basis 1375.00",
    ]
    assert [(wash.replacement_execution_id, str(wash.disallowed_loss)) for wash in result.wash_sales] == [
        ("B2", "500.00"),
        ("B3", "250.00"),
    ]


def test_regulation_example_3_more_shares_bought_than_sold() -> None:
    """W6, W9. Reg. 1.1091-1(h) ex. 3: of 200 shares bought in four days the first 100 carry loss and period."""
    result = computed("""
        B1 1954-09-15 buys 100 M @ 50
        S1 1956-02-01 sells 100 M @ 40
        R1 1956-02-15 buys 50 M @ 40
        R2 1956-02-16 buys 50 M @ 40
        R3 1956-02-17 buys 50 M @ 40
        R4 1956-02-18 buys 50 M @ 40
    """)
    assert gain_lines(result) == ["S1 of B1: 100 sh. since 1954-09-15, 4000.00 - 5000.00 + 1000.00 = 0.00 L"]
    assert open_lines(result) == [
        "R1: 50 sh. since 1954-09-29, basis 2500.00",
        "R2: 50 sh. since 1954-09-30, basis 2500.00",
        "R3: 50 sh. since 1956-02-17, basis 2000.00",
        "R4: 50 sh. since 1956-02-18, basis 2000.00",
    ]


def test_250_dollars_are_added_to_a_cost_of_800() -> None:
    """W8. The IRS's own workout (VITA): bought for 1,000, sold for 750, bought again for 800: basis 1,050."""
    result = computed("""
        B1 2024-02-01 buys 100 X for 1000
        S1 2024-06-03 sells 100 X for 750
        B2 2024-06-28 buys 100 X for 800
    """)
    assert gain_lines(result) == ["S1 of B1: 100 sh. since 2024-02-01, 750.00 - 1000.00 + 250.00 = 0.00 S"]
    assert open_lines(result) == ["B2: 100 sh. since 2024-02-26, basis 1050.00"]


def test_publication_550_more_or_less_stock_bought_than_sold() -> None:
    """W5. Pub. 550 (2025), Example 1: a loss of 1,000, of which 750 on 75 shares is disallowed and 250 deductible."""
    result = computed("""
        B1 2024-09-20 buys 100 M for 5000
        B2 2024-12-13 buys 50 M for 2750
        B3 2024-12-20 buys 25 M for 1125
        S1 2025-01-03 sells 100 M for 4000 lots B1:100
    """)
    assert gain_lines(result) == ["S1 of B1: 100 sh. since 2024-09-20, 4000.00 - 5000.00 + 750.00 = -250.00 S"]
    assert [line.split("basis ")[1] for line in open_lines(result)] == ["3250.00", "1375.00"]


def test_revenue_ruling_56_602_selling_part_of_one_lot_is_no_wash_sale() -> None:
    """W12. Rev. Rul. 56-602: the rest of a lot does not replace what was sold of it, in however many fills it came."""
    result = computed("""
        B1 2025-03-03 buys 60 X @ 10 order O1
        B2 2025-03-03 buys 40 X @ 10 order O1
        S1 2025-03-20 sells 50 X @ 8
    """)
    assert gain_lines(result) == ["S1 of B1: 50 sh. since 2025-03-03, 400.00 - 500.00 + 0.00 = -100.00 S"]
    assert result.wash_sales == ()


def test_the_same_purchases_in_two_orders_do_replace_each_other() -> None:
    """W12. Reg. 1.1091-1(a) counts every acquisition of the 61 days; only one order's shares are spared."""
    result = computed("""
        B1 2025-03-03 buys 60 X @ 10 order O1
        B2 2025-03-03 buys 40 X @ 10 order O2
        S1 2025-03-20 sells 50 X @ 8
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["80.00"]


def test_revenue_ruling_2008_5_a_purchase_in_an_ira_loses_the_loss_for_good() -> None:
    """W10. Rev. Rul. 2008-5: the loss is disallowed and the IRA's basis is not increased."""
    result = computed(
        """
        B1 2024-01-10 buys 100 X @ 10
        S1 2024-12-20 sells 100 X @ 8
        B2 2024-12-21 buys 100 X @ 8 in IRA
        """,
        accounts=[account("T1"), account("IRA", "ira")],
    )
    (gain,) = result.gains
    assert (str(gain.disallowed_loss), str(gain.permanently_disallowed), str(gain.gain_loss)) == ("200.00",) * 2 + (
        "0.00",
    )
    assert open_lines(result) == ["B2: 100 sh. since 2024-12-21, basis 800.00"]
    assert [(wash.is_permanent, wash.rule[:16]) for wash in result.wash_sales] == [(True, "Rev. Rul. 2008-5")]


def test_regulation_1_1091_1_e_a_replacement_share_takes_one_loss() -> None:
    """W7, W4. Reg. 1.1091-1(e): shares matched with one loss are disregarded for others; the earliest comes first."""
    result = computed("""
        B1 2025-01-02 buys 10 X @ 100
        B2 2025-01-03 buys 10 X @ 100
        S1 2025-05-05 sells 10 X @ 90
        S2 2025-05-06 sells 10 X @ 80
        B3 2025-05-20 buys 15 X @ 85
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["100.00", "100.00"]
    assert open_lines(result) == [
        "B3: 10 sh. since 2025-01-17, basis 950.00",
        "B3: 5 sh. since 2025-01-17, basis 525.00",
    ]


def test_losses_of_one_block_do_not_vanish_in_gains_of_another_sold_that_day() -> None:
    """W13. Pub. 550, p. 87: block by block, never on the net of the day's sales."""
    result = computed("""
        B1 2024-02-01 buys 10 X @ 50
        B2 2024-02-02 buys 10 X @ 90
        S1 2024-06-03 sells 20 X @ 70
        B3 2024-06-10 buys 10 X @ 70
    """)
    assert gain_lines(result) == [
        "S1 of B1: 10 sh. since 2024-02-01, 700.00 - 500.00 + 0.00 = 200.00 S",
        "S1 of B2: 10 sh. since 2024-02-02, 700.00 - 900.00 + 200.00 = 0.00 S",
    ]


def test_section_1091_e_another_short_sale_within_thirty_days_takes_the_loss_of_a_closing() -> None:
    """W16. IRC 1091(e)(2): the next short's proceeds are reduced by the loss that was disallowed."""
    result = computed("""
        A 2025-02-03 shorts 100 X @ 10
        B 2025-03-03 covers 100 X @ 12
        C 2025-03-20 shorts 60 X @ 12
    """)
    assert gain_lines(result) == ["B of A: 100 sh. since 2025-03-03, 1000.00 - 1200.00 + 120.00 = -80.00 S"]
    assert open_lines(result) == ["C: -60 sh. since 2025-03-20, basis 600.00"]


def test_section_1091_e_a_sale_of_shares_after_the_closing_takes_the_loss_over() -> None:
    """W16. IRC 1091(e)(1): identical shares are sold; the loss counts when they are."""
    result = computed("""
        A 2024-12-02 shorts 10 X @ 10
        B 2024-12-20 covers 10 X @ 12
        C 2024-12-23 buys 10 X @ 12
        D 2025-01-10 sells 10 X @ 15
    """)
    assert gain_lines(result) == [
        "B of A: 10 sh. since 2024-12-20, 100.00 - 120.00 + 20.00 = 0.00 S",
        "D of C: 10 sh. since 2024-12-23, 150.00 - 140.00 + 0.00 = 10.00 S",
    ]


def test_a_short_sale_closed_with_new_shares_is_short_term_however_long_it_was_open() -> None:
    """Pub. 550, p. 85 (Ace): open for 13 months, closed with shares bought that day: a short-term loss of 500."""
    result = computed("""
        SS 2024-01-10 shorts 100 ACE @ 10
        CL 2025-02-18 covers 100 ACE @ 15
    """)
    assert gain_lines(result) == ["CL of SS: 100 sh. since 2025-02-18, 1000.00 - 1500.00 + 0.00 = -500.00 S"]
    assert result.gains[0].acquired_date == result.gains[0].sold_date


def test_a_spouse_s_purchase_disallows_and_policy_p8_says_where_the_loss_goes() -> None:
    """W11. Pub. 550, p. 86: stock bought by the spouse counts; where the basis goes is unsettled."""
    text = """
        B1 2024-01-10 buys 100 X @ 10
        S1 2024-12-20 sells 100 X @ 8
        B2 2024-12-21 buys 100 X @ 8 in SPOUSE
    """
    accounts = [account("T1"), account("SPOUSE", "spouse_taxable", owner="spouse")]
    result = computed(text, accounts=accounts)
    assert (str(result.gains[0].disallowed_loss), str(result.gains[0].permanently_disallowed)) == ("200.00", "0.00")
    assert open_lines(result) == ["B2: 100 sh. since 2024-01-11, basis 1000.00"]


def test_the_sixty_one_days_end_thirty_days_before_and_after_the_sale() -> None:
    """W1. Reg. 1.1091-1(a): the 30 days before the sale, the day of the sale, the 30 days after it."""
    for day, disallowed in (
        ("2025-01-31", "0.00"),
        ("2025-02-01", "100.00"),
        ("2025-03-03", "100.00"),
        ("2025-04-02", "100.00"),
        ("2025-04-03", "0.00"),
    ):
        text = f"""
            B1 2024-06-03 buys 10 X @ 100
            B2 {day} buys 10 X @ 90
            S1 2025-03-03 sells 10 X @ 90 lots B1:10
        """
        assert [str(gain.disallowed_loss) for gain in computed(text).gains] == [disallowed], day


def test_the_window_reaches_over_the_end_of_the_year_both_ways() -> None:
    """W1. Pub. 550, Example 1 sells in January what December replaces; here January replaces what December sold."""
    for sold, bought in (("2024-12-20", "2025-01-19"), ("2025-01-10", "2024-12-11")):
        result = computed(f"""
            B1 2024-02-01 buys 10 X @ 100
            B2 {bought} buys 10 X @ 90
            S1 {sold} sells 10 X @ 90 lots B1:10
        """)
        (gain,) = result.gains
        assert (str(gain.gain_loss), gain.tax_year) == ("0.00", int(sold[:4]))


def test_purchases_of_the_day_of_the_sale_count_before_and_after_it() -> None:
    """W1, W12. Two purchases on the day of the sale: both replace; the order that bought what is sold does not."""
    result = computed("""
        B1 2025-03-03 buys 10 X @ 100
        B2 2025-03-03 buys 4 X @ 95
        S1 2025-03-03 sells 10 X @ 90 lots B1:10
        B3 2025-03-03 buys 4 X @ 92
    """)
    assert [(wash.replacement_execution_id, str(wash.disallowed_loss)) for wash in result.wash_sales] == [
        ("B2", "40.00"),
        ("B3", "40.00"),
    ]


def test_a_loss_on_an_option_is_a_loss_on_a_security() -> None:
    """W2. IRC 1091(a), last sentence: contracts or options to acquire or sell; see also `test_options`."""
    result = computed("""
        P is a put on X at 50 until 2025-12-19
        B1 2025-03-03 buys 2 P for 400
        S1 2025-03-20 sells 2 P for 100
        B2 2025-04-10 buys 1 P for 60
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["150.00"]


def test_digital_assets_are_no_securities() -> None:
    """W3. Instructions for Schedule D (2025), p. 5; futures and options on indexes are left out with a message."""
    result = computed("""
        B1 2025-01-02 buys 10 ETH @ 2000 class crypto
        S1 2025-03-03 sells 10 ETH @ 1500 class crypto
        B2 2025-03-04 buys 10 ETH @ 1500 class crypto
        F1 2025-03-04 buys 1 ES @ 5000 class future
    """)
    assert [str(gain.gain_loss) for gain in result.gains] == ["-5000.00"]
    assert [problem.found for problem in result.problems] == ["future ES, left out"]


def test_losses_of_one_day_are_taken_in_the_order_in_which_the_shares_were_bought() -> None:
    """W4. Reg. 1.1091-1(b): the 10 of February replace the block bought first, though it is sold last."""
    result = computed("""
        B1 2024-02-01 buys 10 X @ 100
        B2 2024-02-02 buys 10 X @ 120
        S1 2025-01-15 sells 20 X @ 90 lots B2:10;B1:10
        B3 2025-02-03 buys 10 X @ 90
    """)
    assert {gain.open_execution_id: str(gain.disallowed_loss) for gain in result.gains} == {
        "B1": "100.00",
        "B2": "0.00",
    }


def test_publication_550_example_2_half_of_two_hundred_bought_replace() -> None:
    """W6. Pub. 550 (2025), p. 87, Example 2: a loss of 1,000; 50 shares on each of four days; 500 go to two each."""
    result = computed("""
        B1 2024-09-16 buys 100 M for 5000
        S1 2025-01-29 sells 100 M for 4000
        R1 2025-02-03 buys 50 M for 2000
        R2 2025-02-04 buys 50 M for 2000
        R3 2025-02-05 buys 50 M for 2000
        R4 2025-02-06 buys 50 M for 2000
    """)
    assert [str(gain.gain_loss) for gain in result.gains] == ["0.00"]
    assert [line.split("basis ")[1] for line in open_lines(result)] == ["2500.00", "2500.00", "2000.00", "2000.00"]


def test_publication_550_loss_and_gain_on_the_same_day() -> None:
    """W13. Pub. 550 (2025), p. 87: blocks of 158, 100 and 95 a share sold for 125, 250 bought two weeks later."""
    result = computed("""
        B1 2019-02-01 buys 100 X @ 158
        B2 2019-05-01 buys 100 X @ 100
        B3 2019-08-01 buys 100 X @ 95
        S1 2024-12-27 sells 300 X @ 125
        B4 2025-01-10 buys 250 X @ 125
    """)
    assert [str(gain.gain_loss) for gain in result.gains] == ["0.00", "2500.00", "3000.00"]
    assert [line.split("sh.")[0] for line in open_lines(result)] == ["B4: 100 ", "B4: 150 "]


def test_the_spouse_s_ira_makes_the_loss_permanent() -> None:
    """W10, W11. Rev. Rul. 2008-5 with Pub. 550, p. 86: neither spouse's basis grows."""
    result = computed(
        """
        B1 2024-01-10 buys 100 X @ 10
        S1 2024-12-20 sells 100 X @ 8
        B2 2024-12-21 buys 100 X @ 8 in IRA
        """,
        accounts=[account("T1"), account("IRA", "spouse_ira", owner="spouse")],
    )
    assert [str(gain.permanently_disallowed) for gain in result.gains] == ["200.00"]
    assert open_lines(result) == ["B2: 100 sh. since 2024-12-21, basis 800.00"]


def test_one_order_that_was_filled_in_parts_is_one_lot() -> None:
    """W12. In the spirit of Rev. Rul. 56-602, however many fills and days it took."""
    result = computed("""
        B1 2025-03-03 buys 60 X @ 10 order O1
        B2 2025-03-04 buys 40 X @ 10 order O1
        S1 2025-03-20 sells 60 X @ 8
    """)
    assert result.wash_sales == ()


def test_a_replacement_that_is_sold_at_a_loss_is_tested_again() -> None:
    """W14. IRC 1091(d) makes 120 the basis of what was bought for 100: sold for 110 it is a loss, and washed again."""
    result = computed("""
        B1 2025-01-02 buys 10 X @ 120
        S1 2025-03-03 sells 10 X @ 100
        B2 2025-03-10 buys 10 X @ 100
        S2 2025-05-05 sells 10 X @ 110
        B3 2025-05-20 buys 5 X @ 110
    """)
    assert gain_lines(result)[1].split(", ")[1] == "1100.00 - 1200.00 + 50.00 = -50.00 S"
    assert open_lines(result) == ["B3: 5 sh. since 2025-01-24, basis 600.00"]  # 60 and 56 days before May 20


def test_shares_received_as_pay_are_acquired() -> None:
    """W15. Pub. 550 (2025), p. 86, Example 2: another bonus award within 30 days; its value is its cost."""
    result = computed("""
        V1 2024-03-01 buys 10 EMPLOYER @ 50
        S1 2025-03-03 sells 10 EMPLOYER @ 40
        V2 2025-03-20 buys 10 EMPLOYER @ 42
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["100.00"]
    assert open_lines(result) == ["V2: 10 sh. since 2024-03-18, basis 520.00"]


def test_warrants_bought_wash_a_loss_on_the_stock_and_not_the_other_way_round() -> None:
    """W18. Pub. 550 (2025), p. 87: a warrant is a right to acquire; stock is identical to it only if declared so."""
    warrant = "W is a call on X at 50 until 2030-12-31 of 1\n"
    stock_sold = """
        B1 2023-01-03 buys 10 X @ 60
        S1 2025-03-03 sells 10 X @ 40
        B2 2025-03-03 buys 10 W @ 5
    """
    assert [str(gain.disallowed_loss) for gain in computed(warrant + stock_sold).gains] == ["200.00"]
    warrant_sold = """
        B1 2023-01-03 buys 10 W @ 9
        S1 2025-03-03 sells 10 W @ 5
        B2 2025-03-03 buys 10 X @ 40
    """
    assert [str(gain.disallowed_loss) for gain in computed(warrant + warrant_sold).gains] == ["0.00"]
    declared = computed(warrant + warrant_sold, identity={"X": "X and W", "W": "X and W"})
    assert [str(gain.disallowed_loss) for gain in declared.gains] == ["40.00"]


def test_what_is_identical_is_declared_and_a_new_name_is_the_same_security() -> None:
    """W18. Ordinarily not securities of different names; a change of the name inside the window changes nothing."""
    text = """
        B1 2022-01-03 buys 10 FB @ 300
        S1 2022-06-01 sells 10 FB @ 200
        B2 2022-06-20 buys 10 META @ 160
    """
    assert computed(text).wash_sales == ()
    renamed = computed(text, corporate_actions=[action("FB 2022-06-09 ticker_change", new_symbol="META")])
    assert [str(gain.disallowed_loss) for gain in renamed.gains] == ["1000.00"]


def test_accounts_of_all_brokers_are_looked_at_together() -> None:
    """W20. Pub. 550 (2025), p. 88: a loss is not deductible even if no Form 1099-B says so."""
    result = computed("""
        B1 2024-01-10 buys 100 X @ 10 in BROKER-A
        S1 2024-12-20 sells 100 X @ 8 in BROKER-A
        B2 2024-12-21 buys 40 X @ 8 in BROKER-B
        B3 2024-12-22 buys 60 X @ 8 in BROKER-C
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["200.00"]
    assert [str(lot.adjusted_basis) for lot in result.open_lots] == ["400.00", "600.00"]
