"""The tables have room for whatever a fill needs: they are made longer between fills, or in the middle of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.tax import account, computed, fills, gain_lines
from tests.unit.tax.histories import History, Orders, as_fill, histories
from tickledger.tax.engine import compute
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel import room, sweep
from tickledger.tax.methods import Method, MethodSchedule
from tickledger.tax.policies import PartlyAdjustedLot, Policies, SameOrder

ACCOUNTS = (account("T1"), account("IRA", "ira"), account("SPOUSE", "spouse_taxable", owner="spouse"))


def _lots_of_growing_size(count: int) -> str:
    lots = [f"B{number} 2025-03-{1 + number // 3:02d} buys {number * number + 1} X @ 100" for number in range(count)]
    shares = sum(number * number + 1 for number in range(count))
    return "\n".join([*lots, f"S 2025-03-25 sells {shares} X @ 90"])


@pytest.mark.parametrize("chosen", [False, True])
def test_one_sale_cuts_up_lots_that_it_has_still_to_sell(*, chosen: bool) -> None:
    """Policy P2, the other reading: each lot's loss goes into the next ones, in pieces that multiply."""
    text = _lots_of_growing_size(60)
    if chosen:
        text += " lots " + ";".join(f"B{number}:{number * number + 1}" for number in range(60))
    result = computed(text, policies=Policies(same_order=SameOrder.REPLACES))
    assert len(result.gains) > 1000
    last_lot = [gain for gain in result.gains if gain.open_execution_id == "B59"]
    assert sum(gain.quantity for gain in last_lot) == 59 * 59 + 1
    assert sum(gain.gain_loss for gain in result.gains) == -10 * sum(n * n + 1 for n in range(60))


def test_it_makes_no_difference_where_a_sale_had_to_wait_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    text, policies = _lots_of_growing_size(12), Policies(same_order=SameOrder.REPLACES)
    at_once = gain_lines(computed(text, policies=policies))
    asked = 0

    def every_second_time(_: c.Book) -> bool:
        nonlocal asked
        asked += 1
        return asked % 2 == 0

    monkeypatch.setattr("tickledger.tax.kernel.closing.must_wait", every_second_time)
    assert gain_lines(computed(text, policies=policies)) == at_once
    assert asked > len(at_once)


@contextmanager
def watched() -> Iterator[None]:
    """Fills that are compared, one by one, with the room that was asked for them."""
    enter = sweep.enter

    def compared(book: c.Book, fill: int) -> bool:
        before = list(book.counts)
        need = room.ROWS_PER_SUBLOT * (before[c.LIVE] + before[c.WAITING]) + room.ROWS
        is_done = enter(book, fill)
        for number, name in enumerate(c.GROWING):
            assert book.counts[number] - before[number] <= need, name
        return is_done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "enter", compared)
        yield


@given(
    history=histories(
        accounts=("T1", "SPOUSE", "IRA"), shorting=("T1", "SPOUSE"), closing_orders=Orders.IN_TURNS, most=40
    ),
    method=st.sampled_from(Method),
    partly_adjusted_lot=st.sampled_from(PartlyAdjustedLot),
)
@settings(max_examples=examples(60))
def test_no_fill_needs_more_than_it_asks_for(history: History, method: Method, **policy: Any) -> None:
    """All three orderings are kept, as where an account's method changes."""
    changes = {"T1": [(history.trades[0].day, other) for other in Method] + [(history.trades[0].day, method)]}
    with watched():
        compute(
            [as_fill(trade) for trade in history.trades],
            accounts=ACCOUNTS,
            methods=MethodSchedule(method, changes),
            policies=Policies(**policy),
        )


@pytest.mark.parametrize("method", ["fifo", "mingain"])
def test_a_sale_of_many_lots_into_many_others_needs_no_more_either(method: str) -> None:
    """Every lot sold meets lots of other sizes in another account, and no boundary falls on another."""
    lots = [f"B{number} 2025-03-03 buys {3 + number % 7} X @ {100 + number}" for number in range(80)]
    others = [f"C{number} 2025-03-04 buys {2 + number % 5} X @ 50 in T2" for number in range(80)]
    shares = sum(3 + number % 7 for number in range(80))
    day = fills(lots[0])[0].trade_date
    changes = {name: [(day, other) for other in Method] + [(day, Method(method))] for name in ("T1", "T2")}
    text = "\n".join([*lots, *others, f"S 2025-03-25 sells {shares} X @ 10"])
    with watched():
        result = compute(fills(text), methods=MethodSchedule(Method(method), changes))
    assert len(result.wash_sales) > 100
