"""Histories of everything that can happen to a household: shares, options, shorts, gifts, transfers, events."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.tax import account
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.instrument import AssetClass, OptionContract, OptionRight
from tickledger.tax.engine import compute
from tickledger.tax.fills import Fill, FillSide, LotChoice
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

ACCOUNTS = (
    account("T1"),
    account("T2"),
    account("IRA", "ira"),
    account("SPOUSE", "spouse_taxable", owner="spouse"),
)
START = date(2024, 11, 1)
MULTIPLIER = 10
CONTRACTS = {
    "XC": OptionContract("X", date(2026, 1, 16), Decimal(9), OptionRight.CALL, Decimal(MULTIPLIER)),
    "XP": OptionContract("X", date(2026, 1, 16), Decimal(11), OptionRight.PUT, Decimal(MULTIPLIER)),
}
SYMBOLS = ("X", "X", "Y", "XC", "XP")

policies = st.builds(
    Policies,
    same_order=st.sampled_from(SameOrder),
    older_shares=st.sampled_from(OlderShares),
    split_in_window=st.sampled_from(SplitInWindow),
    overlapping_days=st.sampled_from(OverlappingDays),
    partly_adjusted_lot=st.sampled_from(PartlyAdjustedLot),
    spouse_purchase=st.sampled_from(SpousePurchase),
)


@dataclass
class Told:
    """What `compute` is given."""

    fills: list[Fill] = field(default_factory=list)
    actions: list[CorporateAction] = field(default_factory=list)
    methods: MethodSchedule = field(default_factory=MethodSchedule)
    policies: Policies = field(default_factory=Policies)
    identity: dict[str, str] = field(default_factory=dict)


def result_of(told: Told, *, size: Decimal = Decimal(1), price: Decimal = Decimal(1)) -> TaxResult:
    """The engine's result, with every quantity times `size` and every amount times `price`."""
    return compute(
        [_scaled(fill, size, price) for fill in told.fills],
        accounts=ACCOUNTS,
        corporate_actions=told.actions,
        methods=told.methods,
        policies=told.policies,
        identity=told.identity,
    )


def _scaled(fill: Fill, size: Decimal, price: Decimal) -> Fill:
    return Fill(
        execution_id=fill.execution_id,
        order_id=fill.order_id,
        account_id=fill.account_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity * size,
        gross_amount=fill.gross_amount * price,
        commission=fill.commission * price,
        trade_date=fill.trade_date,
        lots=tuple(LotChoice(lot.open_execution_id, lot.quantity * size) for lot in fill.lots),
        asset_class=fill.asset_class,
        contract=fill.contract,
    )


@st.composite
def anything(draw: st.DrawFn, *, most: int = 40) -> Told:
    """Up to `most` fills in half a year and a few events; nearly all of them are possible."""
    told, held = Told(), defaultdict[tuple[str, str, bool], Fraction](Fraction)
    day = START
    for number in range(draw(st.integers(5, most))):
        step = draw(st.sampled_from((0, 0, 0, 1, 2, 7, 29, 30)))
        day += timedelta(days=step)
        if step and draw(st.integers(0, 7)) == 0:
            _split(draw, told, held, day)
        name, symbol = draw(st.sampled_from(ACCOUNTS)).account_id, draw(st.sampled_from(SYMBOLS))
        side, shares = _step(draw, held, name, symbol)
        told.fills.append(_fill(draw, f"E{number:02d}", (name, symbol), step=(side, shares, day), earlier=told.fills))
        if side is FillSide.TRANSFER_OUT:
            other = draw(st.sampled_from(ACCOUNTS[:2])).account_id
            held[other, symbol, False] += Fraction(shares)
            told.fills.append(
                _fill(draw, f"R{number:02d}", (other, symbol), step=(FillSide.TRANSFER_IN, shares, day), earlier=[])
            )
    changes = st.dictionaries(
        st.sampled_from(["T1", "T2", "IRA"]),
        st.lists(st.tuples(st.integers(0, 90).map(lambda days: START + timedelta(days)), st.sampled_from(Method))),
    )
    told.methods = MethodSchedule(draw(st.sampled_from(Method)), draw(changes))
    told.policies, told.identity = draw(policies), draw(st.sampled_from([{}, {}, {"X": "G", "Y": "G"}]))
    return told


def _split(draw: st.DrawFn, told: Told, held: dict[tuple[str, str, bool], Fraction], day: date) -> None:
    """Splits are rare enough to be followed; the other events happen to Y, whose shares may then not be there."""
    if draw(st.booleans()) and len(told.actions) < 3:
        ratio = draw(st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(1, 2)]))
        told.actions.append(CorporateAction("X", day, CorporateActionKind.SPLIT, ratio=ratio))
        for key in held:
            held[key] *= ratio if key[1] == "X" else 1
        return
    kind = draw(st.sampled_from([kind for kind in CorporateActionKind if kind is not CorporateActionKind.DIVIDEND]))
    terms: dict[str, Any] = {"ratio": Fraction(1, 2)} if kind is not CorporateActionKind.DELISTING else {}
    terms |= {"amount": Decimal(2), "fmv_old": Decimal(8), "fmv_new": Decimal(4), "cash_in_lieu": Decimal("1.23")}
    told.actions.append(CorporateAction("Y", day, kind, new_symbol="Z", **terms))


def _step(
    draw: st.DrawFn, held: dict[tuple[str, str, bool], Fraction], name: str, symbol: str
) -> tuple[FillSide, Decimal]:
    """Something that an account can do with a security, and what it holds afterwards."""
    long, short = (name, symbol, False), (name, symbol, True)
    possible = [FillSide.BUY, FillSide.BUY]
    possible += [FillSide.SELL_SHORT] if name != "IRA" else []
    if held[long] >= 1:
        possible += [FillSide.SELL] * 3 + [FillSide.GIFT_OUT]
        possible += [FillSide.TRANSFER_OUT] if name in {"T1", "T2"} else []
        possible += [FillSide.DELIVER] if held[short] >= 1 else []
    possible += [FillSide.BUY_TO_COVER] * 2 if held[short] >= 1 else []
    if symbol in CONTRACTS:
        possible += [FillSide.EXPIRE, FillSide.EXERCISE] if held[long] >= 1 else []
        possible += [FillSide.ASSIGN] if held[short] >= 1 else []
    side = draw(st.sampled_from(possible))
    is_short = side in {FillSide.BUY_TO_COVER, FillSide.SELL_SHORT, FillSide.ASSIGN}
    shares = draw(st.integers(1, 9))
    if side in {FillSide.BUY, FillSide.SELL_SHORT}:
        held[short if is_short else long] += shares
        return side, Decimal(shares)
    most = held[short] if is_short else held[long]
    most = min(held[long], held[short]) if side is FillSide.DELIVER else most
    shares = min(shares, int(most))
    for key in {short if is_short else long} | ({short} if side is FillSide.DELIVER else set()):
        held[key] -= shares
    if side in {FillSide.EXERCISE, FillSide.ASSIGN}:
        _exercise(held, name, symbol, side, shares * MULTIPLIER)
    return side, Decimal(shares)


def _exercise(held: dict[tuple[str, str, bool], Fraction], name: str, symbol: str, side: FillSide, shares: int) -> None:
    is_purchase = (side is FillSide.EXERCISE) is (CONTRACTS[symbol].right is OptionRight.CALL)
    if is_purchase:
        covered = Fraction(0) if held[name, "X", False] else min(held[name, "X", True], Fraction(shares))
        held[name, "X", True] -= covered
        held[name, "X", False] += shares - covered
    elif held[name, "X", False] >= shares:
        held[name, "X", False] -= shares
    elif not held[name, "X", False]:
        held[name, "X", True] += shares


def _fill(
    draw: st.DrawFn,
    execution_id: str,
    holder: tuple[str, str],
    *,
    step: tuple[FillSide, Decimal, date],
    earlier: list[Fill],
) -> Fill:
    (name, symbol), (side, shares, day) = holder, step
    is_trade = side in {FillSide.BUY, FillSide.SELL, FillSide.SELL_SHORT, FillSide.BUY_TO_COVER}
    alike = [fill.order_id for fill in earlier if (fill.account_id, fill.side) == (name, side)]
    contract, is_of_an_earlier = CONTRACTS.get(symbol), draw(st.booleans())
    price = Decimal(draw(st.integers(0, 2000))).scaleb(-2) if is_trade else Decimal(0)
    return Fill(
        execution_id=execution_id,
        order_id=alike[-1] if alike and is_of_an_earlier else execution_id,
        account_id=name,
        symbol=symbol,
        side=side,
        quantity=shares,
        gross_amount=price * shares,
        commission=Decimal(draw(st.integers(-5, 100))).scaleb(-3) if is_trade else Decimal(0),
        trade_date=day,
        asset_class=AssetClass.STOCK if contract is None else AssetClass.OPTION,
        contract=contract,
    )
