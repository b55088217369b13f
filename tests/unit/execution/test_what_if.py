"""A trade that has not happened, worked by hand: gains, terms, wash sales, years, and tax by the caller's rates."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import tax
from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import Term
from tickledger.execution.tax_history import TaxHistory
from tickledger.execution.what_if import Rates, Trade, WhatIf, YearChange, open_lots, what_if

RATES = Rates(Decimal("0.37"), Decimal("0.20"))


def ask(
    history: str, text: str, *, rates: Rates | None = RATES, in_account: str = "T1", fee: str = "0", **given: object
) -> WhatIf:
    """The answer to ``"sell 60 of B1 @ 15 2025-08-20"`` or ``"buy 60 of X @ 15 2025-08-20"``."""
    verb, quantity, _, name, _, price, day = text.split()
    told, on = TaxHistory(tax.fills(history), **given), date.fromisoformat(day)  # type: ignore[arg-type]
    lots = [lot for lot in open_lots(told, until=on) if lot.open_execution_id == name and lot.account_id == in_account]
    trade = Trade(
        account_id=in_account,
        symbol=lots[0].symbol if verb == "sell" else name,
        quantity=Decimal(quantity),
        price=Decimal(price),
        on=on,
        charges=Decimal(fee),
        lot=lots[0] if verb == "sell" else None,
    )
    return what_if(told, trade, rates=rates)


GAIN = "B1 2025-01-02 buys 100 X @ 10\n"


def test_a_short_term_gain_and_what_waiting_for_the_long_term_is_worth() -> None:
    """100 × (15 − 10) = 500: 185 of tax now, 100 from 3 January 2026 on."""
    answer = ask(GAIN, "sell 100 of B1 @ 15 2025-08-20")
    (sold,) = answer.sold
    assert (sold.gain.gain_loss, sold.gain.term) == (Decimal(500), Term.SHORT)
    assert (sold.long_term_from, sold.days_to_long_term) == (date(2026, 1, 3), 136)
    assert answer.change == (YearChange(2025, Decimal(500), Decimal(0), Decimal(0), Decimal(500)),)
    assert (answer.net_proceeds, answer.tax, answer.after_tax) == (Decimal(1500), Decimal(185), Decimal(1315))
    waiting = answer.waiting
    assert waiting is not None
    assert (waiting.on, waiting.days, waiting.after_tax, waiting.difference) == (
        date(2026, 1, 3),
        136,
        Decimal(1400),
        Decimal(85),
    )
    # 1,315 = net − 0.2 × (net − 1,000): net is 1,393.75.
    assert waiting.break_even_price == Decimal("13.94")
    assert answer.window_end is None


def test_costs_belong_to_the_sale() -> None:
    answer = ask(GAIN, "sell 100 of B1 @ 15 2025-08-20", fee="10")
    assert (answer.net_proceeds, answer.sold[0].gain.gain_loss, answer.after_tax) == (
        Decimal(1490),
        Decimal(490),
        Decimal("1308.70"),
    )


def test_what_is_long_term_already_waits_for_nothing() -> None:
    answer = ask(GAIN, "sell 100 of B1 @ 15 2026-01-03")
    assert (answer.sold[0].gain.term, answer.sold[0].days_to_long_term) == (Term.LONG, 0)
    assert (answer.tax, answer.waiting) == (Decimal(100), None)


def test_without_rates_nothing_is_said_of_tax() -> None:
    answer = ask(GAIN, "sell 100 of B1 @ 15 2025-08-20", rates=None)
    assert (answer.tax, answer.after_tax, answer.net_proceeds) == (None, None, Decimal(1500))
    assert answer.waiting is not None
    assert (answer.waiting.after_tax, answer.waiting.difference, answer.waiting.break_even_price) == (None, None, None)


def test_a_loss_beside_a_purchase_of_the_last_30_days_goes_into_its_basis() -> None:
    """100 sold at a loss of 2 each; 50 replaced: 100 disallowed, 100 left and open until 30 days later."""
    answer = ask(GAIN + "B2 2025-05-02 buys 50 X @ 12\n", "sell 100 of B1 @ 8 2025-05-20")
    assert answer.wash_sale.disallowed_loss == 100
    assert (answer.open_loss, answer.window_end) == (Decimal(100), date(2025, 6, 19))
    (carrier,) = answer.carriers
    assert (carrier.open_execution_id, carrier.original_basis, carrier.adjusted_basis) == (
        "B2",
        Decimal(600),
        Decimal(700),
    )
    # 138 days held, from 2 January to 20 May, before 2 May.
    assert carrier.holding_start == date(2025, 5, 2) - timedelta(days=138)
    assert (answer.tax, answer.after_tax) == (Decimal(-37), Decimal(837))


def test_publication_550_the_purchase_that_washes_a_loss_raises_the_year_s_gain() -> None:
    """Pub. 550: 1,000 paid, 750 received, 800 paid again: 250 are not deductible, and the basis is 1,050."""
    history = "B1 2025-03-03 buys 100 X for 1000\nS1 2025-06-02 sells 100 X for 750\n"
    answer = ask(history, "buy 100 of X @ 8 2025-06-20")
    assert answer.wash_sale.disallowed_loss == 250
    (lot,) = answer.bought
    assert (lot.original_basis, lot.adjusted_basis) == (Decimal(800), Decimal(1050))
    assert answer.carriers == (lot,)
    assert answer.change == (YearChange(2025, Decimal(250), Decimal(0), Decimal(-250), Decimal(0)),)
    assert (answer.tax, answer.net_proceeds, answer.after_tax) == (Decimal("92.50"), Decimal(-800), Decimal("-892.50"))
    assert answer.sold == ()
    assert answer.waiting is None


def test_a_purchase_in_january_changes_december() -> None:
    history = "B1 2025-03-03 buys 100 X @ 10\nS1 2025-12-15 sells 100 X @ 7\n"
    answer = ask(history, "buy 100 of X @ 8 2026-01-14")
    assert [(year.tax_year, year.short_term, year.net_after) for year in answer.change] == [
        (2025, Decimal(300), Decimal(0))
    ]
    assert ask(history, "buy 100 of X @ 8 2026-01-15").change == ()


def test_a_purchase_in_an_ira_loses_the_loss_and_no_lot_carries_it() -> None:
    history = "B1 2025-03-03 buys 100 X @ 10\nS1 2025-06-02 sells 100 X @ 7\n"
    accounts = [tax.account("T1"), tax.account("IRA", "ira")]
    answer = ask(history, "buy 100 of X @ 8 2025-06-20", in_account="IRA", accounts=accounts)
    assert (answer.wash_sale.disallowed_loss, answer.wash_sale.permanently_disallowed) == (Decimal(300), Decimal(300))
    assert answer.carriers == ()
    assert answer.change[0].short_term == 300


def test_a_sale_in_an_ira_realizes_nothing() -> None:
    accounts = [tax.account("T1"), tax.account("IRA", "ira")]
    answer = ask(
        "B1 2025-03-03 buys 100 X @ 10 in IRA\n", "sell 100 of B1 @ 7 2025-06-20", in_account="IRA", accounts=accounts
    )
    assert (answer.sold, answer.change, answer.tax) == ((), (), Decimal(0))
    assert answer.notes == ("IRA is not taxed: the sale realizes neither gain nor loss",)


def test_the_lot_that_is_named_is_sold_under_any_method() -> None:
    history = GAIN + "B2 2025-02-03 buys 100 X @ 30\n"
    answer = ask(history, "sell 40 of B2 @ 20 2025-08-20")
    assert [(row.gain.open_execution_id, row.gain.gain_loss) for row in answer.sold] == [("B2", Decimal(-400))]


def test_the_year_s_net_is_that_of_everything_the_owner_sold() -> None:
    history = GAIN + "C1 2025-02-03 buys 10 C @ 10\nC2 2025-03-03 sells 10 C @ 90\n"
    (year,) = ask(history, "sell 100 of B1 @ 15 2025-08-20").change
    assert (year.net_before, year.net_after) == (Decimal(800), Decimal(1300))


def test_a_history_that_cannot_be_computed_is_told() -> None:
    history = GAIN + "S1 2025-02-03 sells 500 X @ 12\n"
    with pytest.raises(LedgerError, match=r"X cannot be computed: .*at most the 100 shares"):
        ask(history, "buy 1 of X @ 15 2025-08-20")


@given(
    bought=st.integers(5, 20),
    later=st.integers(0, 60),
    again=st.integers(0, 150),
    sold=st.integers(1, 100),
    price=st.integers(1, 25),
)
def test_every_dollar_of_the_sale_is_gain_loss_or_carried_by_a_lot(
    *, bought: int, later: int, again: int, sold: int, price: int
) -> None:
    history = f"B1 2025-01-02 buys 100 X @ {bought}\n"
    on = date(2025, 1, 2) + timedelta(days=later + 30)
    if again:
        history += f"B2 {on - timedelta(days=10)} buys {again} X @ 10\n"
    answer = ask(history, f"sell {sold} of B1 @ {price} {on}")
    realized = sum((row.gain.gain_loss for row in answer.sold), Decimal(0))
    carried = sum((lot.adjusted_basis - lot.original_basis for lot in answer.carriers), Decimal(0))
    assert realized - carried == sold * (price - bought)
    assert answer.wash_sale.disallowed_loss == carried <= max(sold * (bought - price), 0)
    assert sum(year.short_term + year.long_term for year in answer.change) == realized
    assert answer.after_tax == sold * price - (answer.tax or 0)
