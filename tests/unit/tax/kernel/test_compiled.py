"""The compiled kernel says what the interpreted one says, row by row, ids included; beyond 64 bits there is one."""

from decimal import Decimal

import pytest
from hypothesis import given, settings

from tests.examples import examples
from tests.tax import account, action, computed, fills, gain_lines, open_lines
from tests.unit.tax.histories import History, Orders, as_action, as_fill, histories
from tests.unit.tax.kernel.anything import ACCOUNTS, Told, anything, result_of
from tickledger.tax import book_building
from tickledger.tax.book_building import Setting, fits
from tickledger.tax.engine import compute
from tickledger.tax.fill_columns import share_units_for
from tickledger.tax.fill_list import FillList
from tickledger.tax.kernel import running
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.policies import Policies
from tickledger.tax.ratios import Ratios, ratios_of
from tickledger.tax.result import TaxResult

pytestmark = pytest.mark.xdist_group("compiled kernel")  # one worker compiles

ALWAYS, NEVER = 0, 10**9


def _both(told: Told, **scale: Decimal) -> tuple[TaxResult, TaxResult]:
    """The compiled and the interpreted result."""
    results = []
    for worth in (ALWAYS, NEVER):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(book_building, "WORTH_COMPILING", worth)
            results.append(result_of(told, **scale))
    compiled, interpreted = results
    return compiled, interpreted


def _is_compiled(result: TaxResult) -> bool:
    return all(columns.book.is_compiled for columns in result.households)


@given(told=anything())
@settings(max_examples=examples(100))
def test_any_history_gives_the_same_rows(told: Told) -> None:
    compiled, interpreted = _both(told)
    assert _is_compiled(compiled)
    assert not _is_compiled(interpreted)
    for rows in ("gains", "wash_sales", "open_lots", "lots", "problems", "left_out"):
        assert getattr(compiled, rows) == getattr(interpreted, rows)


@given(told=anything(most=20))
@settings(max_examples=examples(50))
def test_products_may_leave_64_bits_where_the_numbers_do_not(told: Told) -> None:
    """Some thousand shares of up to a million dollars: money units times units of shares are above 2⁶⁴."""
    compiled, interpreted = _both(told, size=Decimal("301.007"), price=Decimal("90123.4567"))
    assert _is_compiled(compiled)
    assert compiled == interpreted


@given(history=histories(accounts=("T1", "IRA", "SPOUSE"), shorting=("T1",), closing_orders=Orders.IN_TURNS, most=60))
@settings(max_examples=examples(50))
def test_dense_trades_give_the_same_rows(history: History) -> None:
    results = []
    for worth in (ALWAYS, NEVER):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(book_building, "WORTH_COMPILING", worth)
            trades = [as_fill(trade) for trade in history.trades]
            actions = [as_action(split) for split in history.splits]
            results.append(compute(trades, accounts=ACCOUNTS, corporate_actions=actions))
    assert results[0] == results[1]


def test_tables_grow_in_compiled_code_as_in_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred lots washed into each other need many times the rows that there are at first."""
    lots = [
        f"B{number} 2025-03-{1 + number // 10:02d} buys {number % 7 + 1} X @ {200 - number}" for number in range(100)
    ]
    sales = [f"S{number} 2025-03-{12 + number // 20:02d} sells 3 X @ 50" for number in range(90)]
    text = "\n".join(lots + sales)
    interpreted = computed(text)
    monkeypatch.setattr(book_building, "WORTH_COMPILING", ALWAYS)
    assert computed(text) == interpreted


def test_a_folder_where_nothing_can_be_kept_leaves_the_kernel_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_building, "WORTH_COMPILING", ALWAYS)
    monkeypatch.setattr(book_building, "compiled", lambda: running.INTERPRETED)
    result = computed("B1 2025-01-02 buys 10 X @ 100\nS1 2025-03-03 sells 10 X @ 90")
    assert not _is_compiled(result)
    assert gain_lines(result) == ["S1 of B1: 10 sh. since 2025-01-02, 900.00 - 1000.00 + 0.00 = -100.00 S"]


WEI = "0.000000000000000001"


def test_quantities_of_eighteen_decimals_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of an ether that no binary number of 64 bits holds beside the whole."""
    monkeypatch.setattr(book_building, "WORTH_COMPILING", ALWAYS)
    result = computed("""
        B1 2024-01-02 buys 123.000000000000000003 ETH for 300000 class crypto
        S1 2025-06-02 sells 41.000000000000000001 ETH for 150000 class crypto
        S2 2025-06-03 sells 82.000000000000000001 ETH for 290000 class crypto
    """)
    assert not _is_compiled(result)
    assert gain_lines(result) == [
        "S1 of B1: 41.000000000000000001 sh. since 2024-01-02, 150000.00 - 100000.00 + 0.00 = 50000.00 L",
        "S2 of B1: 82.000000000000000001 sh. since 2024-01-02, 290000.00 - 200000.00 + 0.00 = 90000.00 L",
    ]
    assert open_lines(result) == [f"B1: {WEI} sh. since 2024-01-02, basis 0.00"]


def test_trillions_of_dollars_are_exact_to_the_cent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_building, "WORTH_COMPILING", ALWAYS)
    result = computed("""
        B1 2024-01-02 buys 3 X for 10000000000000.01
        S1 2025-06-02 sells 1 X for 3000000000000.00
        B2 2025-06-03 buys 1 X for 3000000000000.00
    """)
    assert not _is_compiled(result)
    (gain,) = result.gains
    assert (str(gain.basis), str(gain.disallowed_loss)) == ("3333333333333.34", "333333333333.34")
    assert sum(lot.adjusted_basis for lot in result.open_lots) == Decimal("10000000000000.01")


def test_interpreted_numbers_beyond_64_bits_scale_those_within() -> None:
    """A thousand times a million times the money: the same history, with three zeros more in every column."""
    text = """
        B1 2024-01-02 buys 7 X for {}
        S1 2025-06-02 sells 3 X for {}
        B2 2025-06-20 buys 2 X for {}
        S2 2025-12-02 sells 6 X for {}
    """
    small = computed(text.format(700, 200, 150, 900))
    large = computed(text.format(*(amount * 10**15 for amount in (700, 200, 150, 900))))
    for one, other in zip(small.gains, large.gains, strict=True):
        assert abs(one.gain_loss * 10**15 - other.gain_loss) <= 10**15 * Decimal("0.01")
        assert (one.quantity, one.holding_start, one.term) == (other.quantity, other.holding_start, other.term)


def _fits(text: str, *, ratios: Ratios | None = None) -> bool:
    told = fills(text)
    ratios = ratios or Ratios()
    setting = Setting(
        accounts={"T1": account("T1")},
        policies=Policies(),
        methods=MethodSchedule(),
        identity={},
        left_out=(),
        opening_lots=(),
        ratios=ratios,
        asset_classes={},
    )
    listed = FillList(told)
    share_units = share_units_for(listed.quantities, listed.contracts.values(), ratios)
    return fits(listed.columns(share_units=share_units), setting)


def test_what_fits_into_64_bits_is_decided_at_the_border() -> None:
    """2⁶⁰ money units are 1,152,921,504.606846976 USD, bought and sold together."""
    half = Decimal(2**59).scaleb(-9)
    below = f"B1 2025-01-02 buys 1 X for {half}\nS1 2025-01-03 sells 1 X for {half - Decimal('1e-9')}"
    assert _fits(below)
    assert not _fits(below.replace(str(half - Decimal("1e-9")), str(half)))


def test_shares_fit_with_all_that_may_become_of_them() -> None:
    text = f"B1 2025-01-02 buys {2**59} X for 1"
    assert _fits(text)
    assert not _fits(text.replace(str(2**59), str(2**60)))
    assert not _fits(f"B1 2025-01-02 buys {2**59}.5 X for 1")
    split = ratios_of([action("X 2025-03-03 split", ratio="2")], identity={}, underlyings={})
    assert not _fits(text, ratios=split)
    # A share is two units by the split's numerator, becomes two shares, and is counted twice as finely going back.
    assert _fits(f"B1 2025-01-02 buys {2**57 - 1} X for 1", ratios=split)
    assert not _fits(f"B1 2025-01-02 buys {2**57} X for 1", ratios=split)


def test_contracts_fit_with_the_shares_that_they_are_on() -> None:
    text = "C is a call on X at 1 until 2026-01-16\nB1 2025-01-02 buys {} C for 1"
    assert _fits(text.format(2**60 // 10_000 - 1))
    assert not _fits(text.format(2**60 // 10_000 + 1))
