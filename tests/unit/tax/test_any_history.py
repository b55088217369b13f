"""Whatever the history holds, the invariants stand, and nothing but Problems comes of bad rows.

The engine checks its own books; here the same is added up from its rows and the trades alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.tax import account
from tests.unit.tax.histories import History, Orders, as_action, as_fill, histories, told
from tests.unit.tax.share_by_share import OPENING, SHORT, Side, Split, Trade
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.order import OrderSide
from tickledger.tax.engine import compute
from tickledger.tax.fills import Fill
from tickledger.tax.methods import Method, MethodSchedule
from tickledger.tax.policies import (
    OlderShares,
    OverlappingDays,
    PartlyAdjustedLot,
    Policies,
    SameOrder,
    SplitInWindow,
    SpousePurchase,
)
from tickledger.tax.result import TaxResult

ACCOUNTS = (account("T1"), account("T2"), account("IRA", "ira"), account("SPOUSE", "spouse_taxable", owner="spouse"))
SYMBOLS = ("A", "B", "C")
START = date(2024, 1, 2)

days = st.integers(0, 120).map(lambda days: START + timedelta(days=days))
#: Mostly purchases, so that there is something to sell.
sides = st.sampled_from([OrderSide.BUY] * 5 + [OrderSide.SELL] * 3 + [OrderSide.SELL_SHORT, OrderSide.BUY_TO_COVER])
quantities = st.decimals(min_value=Decimal("0.001"), max_value=9, places=3) | st.integers(1, 20).map(Decimal)
ratios = st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(1, 3), Fraction(1, 10), Fraction(7, 5)])


@st.composite
def fills(draw: st.DrawFn) -> list[Fill]:
    numbers = range(draw(st.integers(1, 30)))
    return [
        Fill(
            execution_id=f"E{number}",
            order_id=f"O{draw(st.integers(0, number))}",
            account_id=draw(st.sampled_from(ACCOUNTS)).account_id,
            symbol=draw(st.sampled_from(SYMBOLS)),
            side=draw(sides),
            quantity=draw(quantities),
            gross_amount=Decimal(draw(st.integers(0, 500_000))).scaleb(-4),
            commission=Decimal(draw(st.integers(-10, 100))).scaleb(-3),
            trade_date=draw(days),
        )
        for number in numbers
    ]


@st.composite
def actions(draw: st.DrawFn) -> CorporateAction:
    kind = draw(st.sampled_from(CorporateActionKind))
    amounts = st.decimals(min_value=0, max_value=5, places=2)
    return CorporateAction(
        symbol=draw(st.sampled_from(SYMBOLS)),
        ex_date=draw(days),
        kind=kind,
        ratio=draw(ratios) if kind is not CorporateActionKind.DELISTING else None,
        amount=draw(amounts),
        new_symbol=draw(st.sampled_from(["N1", "N2", "B"])),
        fmv_old=draw(amounts),
        fmv_new=draw(amounts),
        cash_in_lieu=draw(st.none() | amounts),
    )


policies = st.builds(
    Policies,
    same_order=st.sampled_from(SameOrder),
    older_shares=st.sampled_from(OlderShares),
    split_in_window=st.sampled_from(SplitInWindow),
    overlapping_days=st.sampled_from(OverlappingDays),
    partly_adjusted_lot=st.sampled_from(PartlyAdjustedLot),
    spouse_purchase=st.sampled_from(SpousePurchase),
)


@given(
    history=fills(),
    events=st.lists(actions(), max_size=4),
    policy=policies,
    method=st.sampled_from(Method),
    identity=st.sampled_from([{}, {"A": "G", "B": "G"}]),
)
@settings(max_examples=examples(200))
def test_the_invariants_stand(
    history: list[Fill],
    events: list[CorporateAction],
    policy: Policies,
    method: Method,
    identity: dict[str, str],
) -> None:
    result = compute(
        history,
        accounts=ACCOUNTS,
        corporate_actions=events,
        methods=MethodSchedule(method),
        policies=policy,
        identity=identity,
    )
    for gain in result.gains:
        assert gain.gain_loss == gain.proceeds - gain.basis + gain.disallowed_loss
        assert 0 <= gain.permanently_disallowed <= gain.disallowed_loss
        assert gain.account_id != "IRA"
        assert gain.quantity > 0
    disallowed = sum((wash.disallowed_loss for wash in result.wash_sales), Decimal(0))
    assert disallowed == sum((gain.disallowed_loss for gain in result.gains), Decimal(0))
    assert {gain.lot_id for gain in result.gains} <= {lot.lot_id for lot in result.lots}
    assert len({lot.lot_id for lot in result.lots}) == len(result.lots)
    assert len({gain.gain_id for gain in result.gains}) == len(result.gains)


KINDS = {each.account_id: str(each.kind) for each in ACCOUNTS}
TAXABLE = {name for name, kind in KINDS.items() if kind != "ira"}
RATIOS = (Fraction(2), Fraction(3), Fraction(3, 2), Fraction(1, 2))
anything = histories(accounts=tuple(KINDS), shorting=("T1", "SPOUSE"), ratios=RATIOS, closing_orders=Orders.IN_TURNS)
without_splits = histories(accounts=tuple(KINDS), shorting=("T1", "SPOUSE"))
methods = st.sampled_from(Method)


def _result(history: History, method: Method, policy: Policies, *, trades: Iterable[Fill] | None = None) -> TaxResult:
    return compute(
        [as_fill(trade) for trade in history.trades] if trades is None else trades,
        accounts=ACCOUNTS,
        corporate_actions=[as_action(split) for split in history.splits],
        methods=MethodSchedule(method),
        policies=policy,
    )


def _after(splits: Iterable[Split], day: date) -> Fraction:
    """How many shares one of that day is in the end."""
    ratio = Fraction(1)
    for split in splits:
        ratio *= split.ratio if split.day > day else 1
    return ratio


@given(history=anything, method=methods, policy=policies)
@settings(max_examples=examples(80))
def test_shares_that_came_in_went_out_or_are_held(history: History, method: Method, policy: Policies) -> None:
    result = _result(history, method, policy)
    found: dict[str, Fraction] = defaultdict(Fraction)
    for gain in result.gains:
        found[gain.open_execution_id] += Fraction(gain.quantity) * _after(history.splits, gain.sold_date)
    for lot in result.open_lots:
        assert (lot.quantity < 0) == (_trade(history, lot.open_execution_id).side in SHORT)
        found[lot.open_execution_id] += abs(Fraction(lot.quantity))
    for trade in history.trades:
        if trade.side in OPENING:
            opened = trade.shares * _after(history.splits, trade.day)
            # What an IRA sells is in no row.
            assert found[trade.name] == opened or (trade.account == "IRA" and found[trade.name] < opened)


def _trade(history: History, name: str) -> Trade:
    return next(trade for trade in history.trades if trade.name == name)


@given(history=anything, method=methods, policy=policies)
@settings(max_examples=examples(80))
def test_what_is_reported_deferred_and_lost_is_what_was_earned(
    history: History, method: Method, policy: Policies
) -> None:
    """To the cent: reported − deferred in open lots − disallowed for good = cash in − out + cost of what is open."""
    result = _result(history, method, policy)
    reported = sum((gain.gain_loss for gain in result.gains), Decimal(0))
    permanent = sum((gain.permanently_disallowed for gain in result.gains), Decimal(0))
    deferred, still_open = Decimal(0), Decimal(0)
    for lot in result.open_lots:
        if lot.account_id in TAXABLE:
            sign = 1 if lot.quantity > 0 else -1
            deferred += sign * (lot.adjusted_basis - lot.original_basis)
            still_open += sign * lot.original_basis
    cash = sum((_cash(trade) for trade in history.trades if trade.account in TAXABLE), Fraction(0))
    assert Fraction(reported - deferred - permanent) == cash + Fraction(still_open)


def _cash(trade: Trade) -> Fraction:
    return -trade.amount if trade.side in {Side.BUY, Side.BUY_TO_COVER} else trade.amount


@given(history=anything, method=methods, policy=policies)
@settings(max_examples=examples(80))
def test_no_more_is_disallowed_than_was_lost(history: History, method: Method, policy: Policies) -> None:
    for gain in _result(history, method, policy).gains:
        loss = max(gain.basis - gain.proceeds, Decimal(0))
        assert 0 <= gain.permanently_disallowed <= gain.disallowed_loss <= loss
        assert (gain.adjustment_code == "W") == (gain.disallowed_loss > 0)


@given(history=without_splits, method=methods, policy=policies)
@settings(max_examples=examples(80))
def test_each_share_takes_over_one_loss_of_its_window(history: History, method: Method, policy: Policies) -> None:
    """Be it bought, sold short, or sold after a short was closed."""
    result = _result(history, method, policy)
    used: dict[str, Decimal] = defaultdict(Decimal)
    of_gain = {gain.gain_id: gain for gain in result.gains}
    for wash in result.wash_sales:
        used[wash.replacement_execution_id] += wash.quantity
        replacement = _trade(history, wash.replacement_execution_id)
        gain = of_gain[wash.gain_id]
        assert abs(replacement.day - gain.sold_date) <= timedelta(days=30)
        assert wash.is_permanent or replacement.account != "IRA"
    for name, quantity in used.items():
        assert quantity <= _trade(history, name).shares
    for gain_id in of_gain:
        gains = [gain for gain in result.gains if gain.gain_id == gain_id]
        washes = [wash for wash in result.wash_sales if wash.gain_id == gain_id]
        assert sum(wash.quantity for wash in washes) <= sum(gain.quantity for gain in gains)
        assert sum(wash.disallowed_loss for wash in washes) == sum(gain.disallowed_loss for gain in gains)


@given(history=anything, method=methods)
@example(
    history=told("""
        B1 2024-11-01 T1 BUY 2 @ 1.00
        A1 2024-11-01 SPOUSE SELL_SHORT 1 @ 1.00
        S1 2024-11-01 T1 SELL 2 @ 1.00
    """),
    method=Method.FIFO,
)
@settings(max_examples=examples(80))
def test_an_id_tells_one_row_from_all_others(history: History, method: Method) -> None:
    result = _result(history, method, Policies())
    for ids in (
        [gain.gain_id for gain in result.gains],
        [wash.wash_sale_id for wash in result.wash_sales],
        [lot.lot_id for lot in result.lots],
        [lot.lot_id for lot in result.open_lots],
    ):
        assert len(ids) == len(set(ids))


@given(history=anything, method=methods, data=st.data())
@settings(max_examples=examples(60))
def test_rows_may_stand_in_any_order_where_instants_differ(
    history: History, method: Method, data: st.DataObject
) -> None:
    morning = time(15, tzinfo=UTC)
    timed = [
        replace(as_fill(trade), executed_at=datetime.combine(trade.day, morning) + timedelta(seconds=number))
        for number, trade in enumerate(history.trades)
    ]
    shuffled = data.draw(st.permutations(timed))
    assert _result(history, method, Policies(), trades=shuffled) == _result(history, method, Policies(), trades=timed)


@given(history=anything, method=methods, data=st.data())
@settings(max_examples=examples(60))
def test_days_may_stand_in_any_order_where_only_dates_are_known(
    history: History, method: Method, data: st.DataObject
) -> None:
    days = data.draw(st.permutations(sorted({trade.day for trade in history.trades})))
    shuffled = [as_fill(trade) for day in days for trade in history.trades if trade.day == day]
    assert _result(history, method, Policies(), trades=shuffled) == _result(history, method, Policies())


@given(history=anything, method=methods)
@settings(max_examples=examples(40))
def test_another_household_changes_nothing(history: History, method: Method) -> None:
    """The same trades of two taxpayers, told in turns: each has the gains that either alone would have."""
    once = [as_fill(trade) for trade in history.trades]
    twice = [
        replace(fill, execution_id=f"{fill.execution_id}{name}", account_id=f"{fill.account_id}{name}")
        for fill in once
        for name in ("-A", "-B")
    ]
    result = compute(
        twice,
        accounts=[account(f"{each}{name}", kind, owner=name) for name in ("-A", "-B") for each, kind in KINDS.items()],
        corporate_actions=[as_action(split) for split in history.splits],
        methods=MethodSchedule(method),
    )
    alone = [gain.gain_loss for gain in _result(history, method, Policies()).gains]
    for name in ("-A", "-B"):
        assert [gain.gain_loss for gain in result.gains if gain.account_id.endswith(name)] == alone
