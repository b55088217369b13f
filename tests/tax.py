"""Histories of fills in a line of text each, and results as lines that read like the publications' tables."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.instrument import AssetClass, OptionContract, OptionRight
from tickledger.domain.lot import RealizedGain
from tickledger.domain.order import OrderSide
from tickledger.tax.engine import compute
from tickledger.tax.fills import Fill, FillSide, LotChoice
from tickledger.tax.methods import Method, MethodSchedule
from tickledger.tax.result import TaxResult

_SIDES: Mapping[str, OrderSide | FillSide] = {
    "buys": OrderSide.BUY,
    "sells": OrderSide.SELL,
    "shorts": OrderSide.SELL_SHORT,
    "covers": OrderSide.BUY_TO_COVER,
    "expires": FillSide.EXPIRE,
    "exercises": FillSide.EXERCISE,
    "assigns": FillSide.ASSIGN,
    "delivers": FillSide.DELIVER,
    "gives": FillSide.GIFT_OUT,
    "sends": FillSide.TRANSFER_OUT,
    "receives": FillSide.TRANSFER_IN,
}
_LINE = re.compile(
    r"(?P<id>\S+) (?P<day>\S+) (?P<side>\w+) (?P<quantity>\S+) (?P<symbol>\S+)( (?P<money>@|for) (?P<amount>\S+))?"
)
_CONTRACT = re.compile(
    r"(?P<symbol>\S+) is a (?P<right>call|put) on (?P<underlying>\S+) at (?P<strike>\S+) until (?P<expiry>\S+)"
    r"( of (?P<multiplier>\S+))?"
)
_OPTION = re.compile(r" (fee|in|order|lots|class) (\S+)")


def fills(text: str) -> list[Fill]:
    """One fill a line: ``S1 2012-06-01 sells 10 XYZ @ 0.10``, or ``for`` a total, or neither for nothing.

    May go on with ``fee 1.00``, ``in IRA``, ``order O1``, ``lots B1:4;B2:6`` and ``class crypto``. Options are
    introduced by a line of their own: ``JJJ-C is a call on JJJ at 50 until 2025-12-19``, and ``of 10`` shares where
    a contract is not on 100.
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    contracts = dict(_contract(match) for line in lines if (match := _CONTRACT.fullmatch(line)))
    return [_fill(line, contracts) for line in lines if not _CONTRACT.fullmatch(line)]


def _contract(match: re.Match[str]) -> tuple[str, OptionContract]:
    return match["symbol"], OptionContract(
        underlying=match["underlying"],
        expiry=date.fromisoformat(match["expiry"]),
        strike=Decimal(match["strike"]),
        right=OptionRight.CALL if match["right"] == "call" else OptionRight.PUT,
        multiplier=Decimal(match["multiplier"] or 100),
    )


def _fill(line: str, contracts: Mapping[str, OptionContract]) -> Fill:
    match = _LINE.match(line)
    assert match, line
    told: dict[str, str] = dict(_OPTION.findall(line[match.end() :]))
    quantity, amount = Decimal(match["quantity"]), Decimal(match["amount"] or 0)
    contract = contracts.get(match["symbol"])
    instant = datetime.fromisoformat(match["day"]) if "T" in match["day"] else None
    return Fill(
        execution_id=match["id"],
        order_id=told.get("order", match["id"]),
        account_id=told.get("in", "T1"),
        symbol=match["symbol"],
        side=_SIDES[match["side"]],
        quantity=quantity,
        gross_amount=amount if match["money"] == "for" else amount * quantity,
        commission=Decimal(told.get("fee", "0")),
        trade_date=date.fromisoformat(match["day"][:10]),
        executed_at=instant,
        lots=tuple(
            LotChoice(name, Decimal(shares))
            for name, shares in (part.split(":") for part in told.get("lots", "").split(";") if part)
        ),
        asset_class=AssetClass.OPTION if contract else AssetClass(told.get("class", "stock")),
        contract=contract,
    )


def account(account_id: str, kind: str = "taxable", *, owner: str = "taxpayer", mode: str = "live") -> Account:
    """An account of that id."""
    return Account(account_id, Mode(mode), AccountKind(kind), owner)


def action(text: str, **terms: str) -> CorporateAction:
    """A corporate action: ``action("XYZ 2025-03-10 split", ratio="2")``; ratios may be fractions."""
    symbol, day, kind = text.split()
    ratio = terms.pop("ratio", None)
    new_symbol = terms.pop("new_symbol", None)
    amounts: dict[str, Any] = {name: Decimal(value) for name, value in terms.items()}
    return CorporateAction(
        symbol=symbol,
        ex_date=date.fromisoformat(day),
        kind=CorporateActionKind(kind),
        ratio=None if ratio is None else Fraction(ratio),
        new_symbol=new_symbol,
        **amounts,
    )


def computed(text: str, *, method: str = "fifo", **given: Any) -> TaxResult:
    """The result for a history by one method; the rest goes to the engine as it is."""
    return compute(fills(text), methods=MethodSchedule(Method(method)), **given)


def gain_lines(result: TaxResult) -> list[str]:
    """Each gain as ``S1 of B1: 75 sh. since 1954-09-15, 3000.00 - 4000.00 + 500.00 = -500.00 L``."""
    return [_gain_line(gain) for gain in result.gains]


def _gain_line(gain: RealizedGain) -> str:
    shares = f"{gain.quantity:f} sh. since {gain.holding_start}"
    money = f"{gain.proceeds} - {gain.basis} + {gain.disallowed_loss} = {gain.gain_loss}"
    return f"{gain.close_execution_id} of {gain.open_execution_id}: {shares}, {money} {gain.term}"


def open_lines(result: TaxResult) -> list[str]:
    """Each open lot as ``R1: 50 sh. since 1954-09-29, basis 2500.00``."""
    return [
        f"{lot.open_execution_id}: {lot.quantity:f} sh. since {lot.holding_start}, basis {lot.adjusted_basis}"
        for lot in result.open_lots
    ]
