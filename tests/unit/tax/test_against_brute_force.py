"""The engine against the naive rule, share by share, on dense random histories."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tax import account
from tests.unit.tax import share_by_share
from tests.unit.tax.histories import as_fill, trades
from tests.unit.tax.share_by_share import Trade
from tickledger.tax.engine import compute
from tickledger.tax.methods import Method, MethodSchedule
from tickledger.tax.result import TaxResult

Sums = Mapping[tuple[str, ...], Mapping[str, Fraction]]


def _engine(history: Sequence[Trade], method: str, kinds: Mapping[str, str]) -> TaxResult:
    return compute(
        [as_fill(trade) for trade in history],
        accounts=[account(name, kind) for name, kind in kinds.items()],
        methods=MethodSchedule(Method(method)),
    )


def _gains(result: TaxResult) -> tuple[Sums, Counter[tuple[str, ...]]]:
    sums: dict[tuple[str, ...], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    rows = Counter[tuple[str, ...]]()
    for gain in result.gains:
        key = (gain.close_execution_id, gain.open_execution_id, gain.holding_start.isoformat())
        rows[key] += 1
        sums[key]["quantity"] += Fraction(gain.quantity)
        sums[key]["proceeds"] += Fraction(gain.proceeds)
        sums[key]["basis"] += Fraction(gain.basis)
        sums[key]["disallowed"] += Fraction(gain.disallowed_loss)
        sums[key]["permanent"] += Fraction(gain.permanently_disallowed)
    return sums, rows


def _held(result: TaxResult) -> tuple[Sums, Counter[tuple[str, ...]]]:
    sums: dict[tuple[str, ...], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    rows = Counter[tuple[str, ...]]()
    for lot in result.open_lots:
        key = (lot.open_execution_id, lot.holding_start.isoformat())
        rows[key] += 1
        sums[key]["quantity"] += Fraction(lot.quantity)
        sums[key]["basis"] += Fraction(lot.adjusted_basis)
    return sums, rows


def _assert_same(naive: Sums, engine: Sums, rows: Counter[tuple[str, ...]]) -> None:
    """Shares agree exactly, money to the cents that each row may be rounded by."""
    assert set(naive) == set(engine)
    for key, sums in naive.items():
        for name, value in sums.items():
            tolerance = Fraction(3, 100) * rows[key] if name != "quantity" else Fraction(0)
            assert abs(value - engine[key].get(name, Fraction(0))) <= tolerance, (key, name)


def _compare(history: Sequence[Trade], method: str, kinds: Mapping[str, str]) -> None:
    iras = frozenset(name for name, kind in kinds.items() if kind == "ira")
    shares = share_by_share.tell(history, method=method, iras=iras)
    result = _engine(history, method, kinds)
    assert result.problems == ()
    _assert_same(share_by_share.gains(shares, iras=iras), *_gains(result))
    _assert_same(share_by_share.held(shares), *_held(result))


@pytest.mark.parametrize("method", ["fifo", "lifo"])
@given(history=trades())
@settings(max_examples=400)
def test_one_account(method: str, history: list[Trade]) -> None:
    _compare(history, method, {"T1": "taxable"})


@given(history=trades(identified=True))
@settings(max_examples=400)
def test_identified_lots(history: list[Trade]) -> None:
    _compare(history, "specific", {"T1": "taxable"})


@given(history=trades(accounts=("T1", "T2", "IRA")))
@settings(max_examples=400)
def test_several_accounts_of_which_one_is_an_ira(history: list[Trade]) -> None:
    _compare(history, "fifo", {"T1": "taxable", "T2": "taxable", "IRA": "ira"})


@given(history=trades(accounts=("T1", "T2")), seed=st.integers(0, 3))
@settings(max_examples=100)
def test_one_economic_result_whatever_the_method(history: list[Trade], seed: int) -> None:
    """Reported gains less what open lots carry are the same cash in and out, by every method."""
    method = ["hifo", "mingain", "maxgain", "fifo"][seed]
    result = _engine(history, method, {"T1": "taxable", "T2": "taxable"})
    reported = sum((gain.gain_loss for gain in result.gains), Decimal(0))
    deferred = sum((lot.adjusted_basis - lot.original_basis for lot in result.open_lots), Decimal(0))
    cash = sum((trade.amount * (-1 if trade.is_purchase else 1) for trade in history), Fraction(0))
    still_held = sum((Fraction(lot.original_basis) for lot in result.open_lots), Fraction(0))
    assert Fraction(reported - deferred) == cash + still_held
