"""Whatever the history holds, the engine's own invariants stand and nothing but Problems comes of bad rows."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tax import account
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
@settings(max_examples=500)
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
