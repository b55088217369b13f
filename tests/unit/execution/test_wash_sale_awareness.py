"""What an order would disallow: published examples, and the engine's answer whatever is left out of the question."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import tax
from tests.unit.risk.orders import intent
from tickledger.domain.order import OrderSide
from tickledger.domain.wash_sale import WashSaleEffect
from tickledger.execution.tax_history import TaxHistory, hypothetical_fill
from tickledger.execution.wash_sale_awareness import WashSaleAwareness, effect_of
from tickledger.tax.fills import Fill

#: Pub. 550, "Wash Sales", example 1: 100 shares bought for 1,000, sold for 750, bought again within 30 days for 800.
PUB_550 = """
B1 2025-03-03 buys 100 X for 1000
S1 2025-06-02 sells 100 X for 750
"""


def trade(text: str, account_id: str = "T1") -> Fill:
    """A fill that has not happened, such as ``"2025-06-20 buys 100 X @ 8"``."""
    day, side, quantity, symbol, _, price = text.split()
    sides = {"buys": OrderSide.BUY, "sells": OrderSide.SELL, "shorts": OrderSide.SELL_SHORT}
    return hypothetical_fill(
        account_id=account_id,
        symbol=symbol,
        side=sides[side],
        quantity=Decimal(quantity),
        price=Decimal(price),
        trade_date=date.fromisoformat(day),
    )


def effect(history: str, text: str, *, in_account: str = "T1", **given: object) -> WashSaleEffect:
    told = TaxHistory(tax.fills(history), **given)  # type: ignore[arg-type]  # the test names what it gives
    return WashSaleAwareness(told).of_fill(trade(text, in_account))


def test_publication_550_buying_back_within_30_days_disallows_250_dollars() -> None:
    found = effect(PUB_550, "2025-06-20 buys 100 X @ 8")
    assert found.disallowed_loss == 250
    assert [(loss.close_execution_id, loss.disallowed_loss) for loss in found.losses] == [("S1", Decimal(250))]
    assert found.losses[0].open_until_date == date(2025, 7, 2)
    (replacement,) = found.replacements
    assert (replacement.quantity, replacement.disallowed_loss, replacement.is_permanent) == (
        Decimal(100),
        Decimal(250),
        False,
    )


@pytest.mark.parametrize(
    ("order", "disallowed"),
    [
        ("2025-07-02 buys 100 X @ 8", "250"),  # the thirtieth day
        ("2025-07-03 buys 100 X @ 8", "0"),
        ("2025-06-02 buys 100 X @ 8", "250"),  # the day of the sale
        ("2025-06-20 buys 40 X @ 8", "100"),
        ("2025-06-20 buys 400 X @ 8", "250"),
        ("2025-06-20 buys 100 Y @ 8", "0"),
    ],
)
def test_only_what_replaces_within_the_window_is_disallowed(order: str, disallowed: str) -> None:
    assert effect(PUB_550, order).disallowed_loss == Decimal(disallowed)


def test_publication_550_a_loss_sale_within_30_days_of_a_purchase_is_disallowed() -> None:
    """Pub. 550: more stock bought than sold."""
    held = """
    B1 2025-01-06 buys 100 X @ 10
    B2 2025-05-20 buys 50 X @ 8
    """
    found = effect(held, "2025-06-02 sells 100 X @ 7")
    assert found.disallowed_loss == 150
    assert [(row.execution_id, row.quantity) for row in found.replacements] == [("B2", Decimal(50))]
    assert effect(held, "2025-06-20 sells 100 X @ 7").disallowed_loss == 0
    assert effect(held, "2025-06-02 sells 100 X @ 11").disallowed_loss == 0


def test_what_is_declared_identical_and_what_only_changed_its_name_counts() -> None:
    assert effect(PUB_550, "2025-06-20 buys 100 Y @ 8", identity={"X": "XY", "Y": "XY"}).disallowed_loss == 250
    renamed = [tax.action("X 2025-06-10 ticker_change", new_symbol="NEW")]
    assert effect(PUB_550, "2025-06-20 buys 100 NEW @ 8", corporate_actions=renamed).disallowed_loss == 250


def test_an_ira_loses_the_loss_for_good_and_a_spouse_counts() -> None:
    """Rev. Rul. 2008-5; Pub. 550."""
    accounts = [tax.account("T1"), tax.account("IRA", "ira"), tax.account("S1", "spouse_taxable")]
    in_ira = effect(PUB_550, "2025-06-20 buys 100 X @ 8", in_account="IRA", accounts=accounts)
    assert (in_ira.disallowed_loss, in_ira.permanently_disallowed) == (Decimal(250), Decimal(250))
    assert in_ira.replacements[0].lot_id is None
    by_spouse = effect(PUB_550, "2025-06-20 buys 100 X @ 8", in_account="S1", accounts=accounts)
    assert (by_spouse.disallowed_loss, by_spouse.permanently_disallowed) == (Decimal(250), Decimal(0))
    stranger = [tax.account("T1"), tax.account("O1", owner="another")]
    assert effect(PUB_550, "2025-06-20 buys 100 X @ 8", in_account="O1", accounts=stranger).disallowed_loss == 0


def test_paper_money_does_not_wash_real_losses() -> None:
    accounts = [tax.account("T1"), tax.account("P1", mode="paper")]
    assert effect(PUB_550, "2025-06-20 buys 100 X @ 8", in_account="P1", accounts=accounts).disallowed_loss == 0


def test_a_loss_that_is_disallowed_already_is_not_disallowed_again() -> None:
    history = PUB_550 + "B2 2025-06-10 buys 60 X @ 8\n"
    assert effect(history, "2025-06-20 buys 100 X @ 8").disallowed_loss == 100


def test_a_short_sale_takes_the_loss_of_a_closing() -> None:
    """IRC 1091(e)."""
    history = """
    H1 2025-05-05 shorts 100 X @ 10
    C1 2025-06-02 covers 100 X @ 13
    """
    assert effect(history, "2025-06-20 shorts 100 X @ 12").disallowed_loss == 300


def test_what_the_engine_cannot_compute_is_a_problem_and_no_zero() -> None:
    found = effect(PUB_550, "2025-06-20 sells 1 X @ 8")
    assert found.problem.startswith("X cannot be computed: ")
    assert "at most the 0 shares" in found.problem
    assert effect(PUB_550, "2025-06-01 buys 1 X @ 8").problem == "2025-06-01 is before the last fill, 2025-06-02"


def test_fills_that_happen_meanwhile_count() -> None:
    awareness = WashSaleAwareness(TaxHistory(tax.fills(PUB_550)))
    order = trade("2025-06-20 buys 100 X @ 8")
    assert awareness.of_fill(order).disallowed_loss == 250
    for fill in tax.fills("B2 2025-06-10 buys 60 X @ 8\nB3 2025-06-10 buys 60 Z @ 8"):
        awareness.note(fill)
    assert awareness.of_fill(order).disallowed_loss == 100


def test_an_intent_is_taken_at_its_limit_price() -> None:
    held = "B1 2026-01-06 buys 100 X @ 10\nB2 2026-06-01 buys 100 X @ 6\n"
    awareness = WashSaleAwareness(TaxHistory(tax.fills(held)))
    at_market, limited = (
        replace(intent(text), account_id="T1") for text in ("SELL 100 X @ 12", "SELL 100 X @ 12 limit 7")
    )
    assert awareness.of_intent(at_market).disallowed_loss == 0
    assert awareness.of_intent(limited).disallowed_loss == 300
    assert awareness.of_intent(limited, trade_date=date(2026, 7, 2)).disallowed_loss == 0


_SYMBOLS = ("X", "Y", "Z", "W")
_steps = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from(("buys", "sells")),
        st.integers(1, 30),
        st.sampled_from(_SYMBOLS),
        st.integers(5, 15),
        st.sampled_from(("T1", "T2")),
    ),
    max_size=14,
)


def _story(steps: list[tuple[int, str, int, str, int, str]]) -> tuple[str, date]:
    """A history that never sells what is not held, and its last day."""
    held: dict[tuple[str, str], int] = {}
    day, lines = date(2025, 1, 6), []
    for number, (wait, side, quantity, symbol, price, account_id) in enumerate(steps):
        day += timedelta(days=wait)
        has = held.get((symbol, account_id), 0)
        if side == "sells" and not has:
            continue
        shares = min(quantity, has) if side == "sells" else quantity
        held[symbol, account_id] = has + (shares if side == "buys" else -shares)
        lines.append(f"E{number} {day} {side} {shares} {symbol} @ {price} in {account_id}")
    return "\n".join(lines), day


@given(
    steps=_steps,
    wait=st.integers(0, 40),
    side=st.sampled_from(("buys", "sells")),
    quantity=st.integers(1, 30),
    symbol=st.sampled_from(_SYMBOLS),
    price=st.integers(5, 15),
)
def test_what_is_left_out_of_the_question_changes_no_answer(
    *,
    steps: list[tuple[int, str, int, str, int, str]],
    wait: int,
    side: str,
    quantity: int,
    symbol: str,
    price: int,
) -> None:
    """The index, and the history cut to what is linked, against the whole history run with the fill and without."""
    text, last = _story(steps)
    history = TaxHistory(
        tax.fills(text),
        identity={"X": "XY", "Y": "XY"},
        corporate_actions=[tax.action("Z 2025-02-03 split", ratio="2")],
    )
    fill = trade(f"{last + timedelta(days=wait)} {side} {quantity} {symbol} @ {price}")
    found = WashSaleAwareness(history).of_fill(fill)
    ordered = history.ordered()
    expected = effect_of(ordered.result(), ordered.result(fill))
    if expected.problem:
        assert found.problem or found.disallowed_loss == 0
    else:
        assert found == expected
        loss = sum(
            (gain.basis - gain.proceeds for gain in ordered.result(fill).gains if gain.basis > gain.proceeds),
            Decimal(0),
        )
        assert 0 <= found.disallowed_loss <= loss
        assert found.permanently_disallowed <= found.disallowed_loss
