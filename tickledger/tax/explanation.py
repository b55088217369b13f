"""Why a gain is what it is, in one paragraph for a person to check: facts, arithmetic, and the rule for each step.

    what was sold → proceeds → basis → term → gain or loss → what took a loss over → what is still open → policies

Every amount comes from a row of the result, and every sum that is printed adds up to the cent. Where a lot is
taken in parts the cent that the parts cannot share goes with the cost, as in the rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.account import Account, AccountKind
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import ClosedBy, Lot, RealizedGain, Term, WashSale
from tickledger.domain.order import OrderSide
from tickledger.tax.evidence import (
    Evidence,
    action_of,
    agrees,
    carried_in,
    evidence_of,
    has_returned_capital,
    kind_of_account,
    part_of,
    tacked_days,
    taken_over,
)
from tickledger.tax.fills import Fill
from tickledger.tax.holding_period import long_term_from, term
from tickledger.tax.result import TaxResult
from tickledger.tax.wash_sales import WINDOW_DAYS

_NOTHING: Final = Decimal(0)
_DAY: Final = timedelta(days=1)
_SHARE_DIGITS: Final = Decimal("0.000001")
_TERMS: Final = {Term.SHORT: "short-term", Term.LONG: "long-term"}
_ACCOUNTS: Final = {
    AccountKind.TAXABLE: "taxable",
    AccountKind.IRA: "an IRA",
    AccountKind.ROTH_IRA: "a Roth IRA",
    AccountKind.SPOUSE_TAXABLE: "the spouse's, taxable",
    AccountKind.SPOUSE_IRA: "the spouse's IRA",
}
_UNITS: Final = {
    AssetClass.STOCK: "shares of ",
    AssetClass.ETF: "shares of ",
    AssetClass.CRYPTO: "",
}
#: The amounts of one sum with the sign that each has in it, and what they are.
_Summand = tuple[Decimal, str]


@dataclass(frozen=True, slots=True)
class _Case:
    """A gain with its lot and the corporate action that closed it, where one did."""

    gain: RealizedGain
    lot: Lot
    action: CorporateAction | None
    evidence: Evidence

    @property
    def is_distribution(self) -> bool:
        """Whether cash was paid on the shares and they stayed: capital returned, or cash beside stock."""
        if self.action is None:
            return False
        if self.action.kind is CorporateActionKind.RETURN_OF_CAPITAL:
            return True
        is_for_stock = self.action.kind is CorporateActionKind.MERGER and self.action.ratio is not None
        return is_for_stock and self.gain.symbol == self.action.symbol

    @property
    def loss(self) -> Decimal:
        return max(self.gain.basis - self.gain.proceeds, _NOTHING)


def explain_gain(gain: RealizedGain, evidence: Evidence) -> str:
    """The paragraph of one gain. Raises KeyError where the evidence lacks the gain's lot."""
    case = _Case(gain, evidence.lots[gain.lot_id], action_of(gain, evidence), evidence)
    sentences = [
        _what_happened(case),
        _proceeds(case),
        _basis(case),
        _term(case),
        _outcome(case),
        *_replacements(case),
        *_still_open(case),
        *_policies(case),
    ]
    return " ".join(sentences)


def explanations(
    result: TaxResult,
    *,
    fills: Iterable[Fill],
    accounts: Iterable[Account] = (),
    corporate_actions: Iterable[CorporateAction] = (),
) -> dict[str, str]:
    """The paragraph of every gain of a result, by gain_id."""
    evidence = evidence_of(result, fills=fills, accounts=accounts, corporate_actions=corporate_actions)
    return {gain.gain_id: explain_gain(gain, evidence) for gain in result.gains}


def _what_happened(case: _Case) -> str:
    gain = case.gain
    opened = f"{_shares(gain.quantity, gain)}, {_opened(case)} in {_account(gain.account_id, case.evidence)}"
    if case.action is not None or gain.closed_by is ClosedBy.CORPORATE_ACTION:
        return f"{opened}: {_closed_by_action(case)}."
    if gain.closed_by is ClosedBy.EXPIRY:
        return f"{opened}, expired on {gain.sold_date} ({gain.close_execution_id})."
    if gain.is_short:
        bought = "that day" if gain.acquired_date == gain.sold_date else f"on {gain.acquired_date}"
        return f"{opened}, closed on {gain.sold_date} with what was bought {bought} ({gain.close_execution_id})."
    return f"{opened}, sold on {gain.sold_date} ({gain.close_execution_id})."


def _opened(case: _Case) -> str:
    """How and when the lot came about, by another name where a corporate action has renamed it since."""
    fill = case.evidence.fills.get(case.gain.open_execution_id)
    verb = "sold short" if case.gain.is_short else "acquired"
    if fill is not None and fill.side is OrderSide.BUY:
        verb = "bought"
    name = f" as {fill.symbol}" if fill is not None and fill.symbol != case.gain.symbol else ""
    return f"{verb}{name} on {case.lot.acquired_date} ({case.gain.open_execution_id})"


def _closed_by_action(case: _Case) -> str:
    gain, action = case.gain, case.action
    if action is None:
        return f"closed on {gain.sold_date} by a corporate action ({gain.close_execution_id})"
    event = (
        f"the {str(action.kind).replace('_', ' ')} of {action.symbol} on {gain.sold_date} ({gain.close_execution_id})"
    )
    if action.kind is CorporateActionKind.RETURN_OF_CAPITAL:
        return f"{event} paid more on them than their basis (IRC 301(c))"
    if case.is_distribution:
        return f"{event} paid cash on them beside new shares, which is gain up to the cash (IRC 356)"
    if action.cash_in_lieu:
        return f"a fraction that {event} left, sold for the cash paid in its place (Pub. 550, p. 63)"
    if action.amount:
        return f"exchanged for the cash that {event} paid"
    return f"ended by {event}"


def _proceeds(case: _Case) -> str:
    gain = case.gain
    if gain.is_short:
        return _short_proceeds(case)
    if gain.closed_by is ClosedBy.EXPIRY:
        return f"Proceeds: {_money(gain.proceeds)}, since it expired without being used."
    fill = case.evidence.fills.get(gain.close_execution_id)
    if fill is None:
        return f"Proceeds: {_money(gain.proceeds)}, {'net of costs' if case.action is None else 'the cash paid'}."
    costs = part_of(fill.commission, gain.quantity, fill.quantity)
    gross = part_of(fill.gross_amount, gain.quantity, fill.quantity)
    if not agrees(gross - costs, gain.proceeds):
        return f"Proceeds: {_money(gain.proceeds)}, net of costs and with what else belongs to the sale."
    return _sum("Proceeds", [(gain.proceeds + costs, "the price"), (-costs, "selling costs")])


def _short_proceeds(case: _Case) -> str:
    """What the short sale brought, less the loss of an earlier closing that it carries (IRC 1091(e))."""
    carried, legend = _carried(case)
    return _sum(
        "Proceeds", [(case.gain.proceeds - carried, "what the short sale brought, net of costs"), (carried, legend)]
    )


def _basis(case: _Case) -> str:
    gain = case.gain
    if gain.is_short:
        how = "what closing it cost, costs included" if gain.basis else "since nothing was paid to close it"
        return f"Basis: {_money(gain.basis)}, {how}."
    if case.is_distribution:
        return f"Basis: {_money(gain.basis)}, {_basis_used(case)}."
    carried, legend = _carried(case)
    absorbed, washes = taken_over(gain, case.lot, case.evidence)
    return _sum(
        "Basis",
        [
            (gain.basis - carried - absorbed, "what they cost, costs included"),
            (carried, legend),
            (absorbed, f"the loss that this sale takes over from {_sales(washes, case)} (IRC 1091(e)(1))"),
        ],
    )


def _basis_used(case: _Case) -> str:
    if case.action is not None and case.action.kind is CorporateActionKind.RETURN_OF_CAPITAL:
        return "since the payment first reduced what they cost to nothing, and this is what exceeded it"
    return "the part of what they cost that is set against the cash"


def _carried(case: _Case) -> tuple[Decimal, str]:
    """What makes the gain's basis (or the short's proceeds) another than what was paid, and why."""
    gain, lot = case.gain, case.lot
    change = part_of(lot.adjusted_basis - lot.original_basis, gain.quantity, lot.quantity)
    washes = carried_in(lot, case.evidence)
    if not washes:
        return change, "capital returned since" if change < 0 and not gain.is_short else "adjustments of the lot"
    losses = f"the loss carried in from {_sales(washes, case)}, which they replaced"
    is_mixed = washes[0].replacement_lot_id != lot.lot_id and has_returned_capital(lot, gain, case.evidence)
    return change, f"{losses}, less capital returned since" if is_mixed else losses


def _sales(washes: Sequence[WashSale], case: _Case) -> str:
    """The sales whose losses were taken over: ``the sale of 2025-01-03 (S1)``."""
    gains = {wash.gain_id: case.evidence.gains.get(wash.gain_id) for wash in washes}
    names = dict.fromkeys(_sale(gain, gain_id) for gain_id, gain in gains.items())
    return " and ".join(names)


def _sale(gain: RealizedGain | None, gain_id: str) -> str:
    if gain is None:
        return f"the sale of {gain_id}"
    what = "the short closed" if gain.is_short else "the sale"
    return f"{what} on {gain.sold_date} ({gain.close_execution_id})"


def _term(case: _Case) -> str:
    gain = case.gain
    start, sold = gain.holding_start.toordinal(), gain.sold_date.toordinal()
    if gain.term is not term(start, sold):
        return f"Term: {_TERMS[gain.term]}, {_special_term(case)}."
    if gain.is_short and gain.acquired_date == gain.sold_date:
        return f"Term: {_TERMS[gain.term]}, since what closed it was not held (IRC 1233; Pub. 550, p. 85)."
    counted = f"from {gain.holding_start + _DAY} to {gain.sold_date} are {_days(sold - start)}"
    long_from = f"a sale is long-term from {date.fromordinal(long_term_from(start))} on (IRC 1222)"
    return f"Term: {_TERMS[gain.term]}: {_start(case)}; {counted}; {long_from}."


def _start(case: _Case) -> str:
    """On which day the count starts, and why."""
    gain, days = case.gain, tacked_days(case.gain)
    if days:
        washes = carried_in(case.lot, case.evidence)
        whose = f"that the shares of {_sales(washes, case)} had been held" if washes else "of an earlier holding"
        start = f"{gain.acquired_date} − {_days(days)} = {gain.holding_start}"
        return (
            f"the {_days(days)} {whose} come before the purchase (IRC 1223(3)), so it counts from the day after {start}"
        )
    if gain.holding_start > gain.acquired_date:
        return f"it counts anew from the day after {gain.holding_start}, when a short sale ended (IRC 1233(b)(2))"
    return "it counts from the day after the purchase"


def _special_term(case: _Case) -> str:
    """Terms that do not follow from the days of this row."""
    gain = case.gain
    if not gain.is_short:
        return "whatever the days"
    if gain.asset_class in {AssetClass.OPTION, AssetClass.INDEX_OPTION}:
        return "as always for the writer of an option (IRC 1234(b))"
    if gain.term is Term.LONG:
        return "since identical shares had been held for more than a year when these were sold short (IRC 1233(d))"
    return "since identical shares held for a year or less stood beside the short sale (IRC 1233(b))"


def _outcome(case: _Case) -> str:
    gain = case.gain
    result = gain.proceeds - gain.basis
    name = "Gain" if result > 0 else "Loss" if result < 0 else "Result"
    equation = f"{_money(gain.proceeds)} − {_money(gain.basis)} = {_money(result)}"
    if result >= 0:
        return f"{name}: {equation}, reported in {gain.tax_year}."
    return f"{name}: {equation}."


def _replacements(case: _Case) -> list[str]:
    """Who took the loss over, how much of it is disallowed, and what is left; nothing for a gain."""
    gain = case.gain
    if not case.loss:
        return []
    if gain.asset_class is AssetClass.CRYPTO:
        return [f"Section 1091 does not cover digital assets: all of it is allowed, reported in {gain.tax_year}."]
    washes = case.evidence.washes_of_gain.get(gain.gain_id, ())
    if not gain.disallowed_loss:
        return [f"{_window(gain)} {_none_found(case)}, so all of it is allowed, reported in {gain.tax_year}."]
    clauses = "; ".join(_replacement(wash, case) for wash in washes)
    return [f"{_window(gain)} {clauses}.", _disallowed(gain, washes), _allowed(gain)]


def _window(gain: RealizedGain) -> str:
    days = timedelta(days=WINDOW_DAYS)
    return f"Replacements from {gain.sold_date - days} to {gain.sold_date + days} (IRC 1091(a)):"


def _none_found(case: _Case) -> str:
    return "none so far" if case.gain.is_provisional else "none"


def _replacement(wash: WashSale, case: _Case) -> str:
    """One wash sale: ``50 shares of M bought on 2024-12-13 (B2) in T1 (taxable) take over 500.00 …``."""
    lot = case.evidence.lots.get(wash.replacement_lot_id or "")
    shares = _shares(wash.quantity, case.gain, symbol=_symbol_of(wash, lot, case))
    return (
        f"{shares} {_acquired(wash, lot, case)} take over {_money(wash.disallowed_loss)}{_where_to(wash)} ({wash.rule})"
    )


def _symbol_of(wash: WashSale, lot: Lot | None, case: _Case) -> str:
    if lot is not None:
        return lot.symbol
    fill = case.evidence.fills.get(wash.replacement_execution_id)
    return fill.symbol if fill is not None else case.gain.symbol


def _acquired(wash: WashSale, lot: Lot | None, case: _Case) -> str:
    fill = case.evidence.fills.get(wash.replacement_execution_id)
    if fill is not None:
        verb, day, account_id = _VERBS.get(fill.side, "acquired"), fill.trade_date, fill.account_id
    elif lot is not None:
        verb, day, account_id = "sold short" if lot.quantity < 0 else "bought", lot.acquired_date, lot.account_id
    else:
        return f"acquired by {wash.replacement_execution_id}"
    place = _account(account_id, case.evidence)
    return f"{verb} on {day} ({wash.replacement_execution_id}) in {place}"


_VERBS: Final = {
    OrderSide.BUY: "bought",
    OrderSide.SELL: "sold",
    OrderSide.SELL_SHORT: "sold short",
}


def _where_to(wash: WashSale) -> str:
    if wash.is_permanent:
        return ", lost for good"
    if wash.replacement_lot_id is None:
        return ""
    return f", carried by {wash.replacement_lot_id}"


def _disallowed(gain: RealizedGain, washes: Sequence[WashSale]) -> str:
    amounts = [wash.disallowed_loss for wash in washes]
    total = _money(gain.disallowed_loss)
    if len(amounts) > 1 and sum(amounts, _NOTHING) == gain.disallowed_loss:
        total = f"{' + '.join(map(_money, amounts))} = {total}"
    permanent = gain.permanently_disallowed
    if not permanent:
        return f"Disallowed: {total}, none of it for good."
    part = "all of it for good" if permanent == gain.disallowed_loss else f"{_money(permanent)} of it for good"
    return f"Disallowed: {total}, {part}."


def _allowed(gain: RealizedGain) -> str:
    result = _money(gain.proceeds - gain.basis)
    equation = f"{result} + {_money(gain.disallowed_loss)} = {_money(gain.gain_loss)}"
    return f"Allowed: {equation}, reported in {gain.tax_year} with code {gain.adjustment_code}."


def _still_open(case: _Case) -> list[str]:
    if not case.gain.is_provisional:
        return []
    until = case.gain.open_until_date
    return [f"Provisional, open until {until}: replacements acquired by then take over what is left of the loss."]


def _policies(case: _Case) -> list[str]:
    told = [case.evidence.policies.get(name, name) for name in case.gain.policies]
    return [f"Unsettled points it depends on: {'; '.join(told)}."] if told else []


def _sum(name: str, summands: Sequence[_Summand]) -> str:
    """``Basis: 800.00 + 250.00 = 1050.00: what they cost, and the loss carried in …``; zeros are left out."""
    first, *others = [summand for summand in summands if summand[0]] or [summands[0]]
    equation = _money(first[0]) + "".join(
        f" {'−' if amount < 0 else '+'} {_money(abs(amount))}" for amount, _ in others
    )
    if others:
        equation += f" = {_money(sum((amount for amount, _ in others), first[0]))}"
    legend = [first[1], *(f"{'less' if amount < 0 else 'and'} {what}" for amount, what in others)]
    return f"{name}: {equation}: {', '.join(legend)}."


def _shares(quantity: Decimal, gain: RealizedGain, *, symbol: str | None = None) -> str:
    told = f"{quantity.normalize():f}" if quantity == quantity.quantize(_SHARE_DIGITS) else f"{quantity:.6f}"
    unit = _UNITS.get(gain.asset_class, "contracts of ")
    return f"{told} {unit if quantity != 1 else unit.replace('s of', ' of')}{symbol or gain.symbol}"


def _account(account_id: str, evidence: Evidence) -> str:
    return f"{account_id} ({_ACCOUNTS[kind_of_account(account_id, evidence)]})"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}".replace("-", "−")
