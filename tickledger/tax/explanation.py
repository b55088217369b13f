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

from tickledger.domain.account import Account
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import ClosedBy, Lot, RealizedGain, Term, WashSale
from tickledger.tax import wording
from tickledger.tax.evidence import (
    Evidence,
    action_of,
    agrees,
    carried_in,
    evidence_of,
    has_returned_capital,
    part_of,
    tacked_days,
    taken_over,
)
from tickledger.tax.fills import Fill
from tickledger.tax.holding_period import long_term_from, term
from tickledger.tax.result import TaxResult
from tickledger.tax.wording import losing_sales, money, summed

_NOTHING: Final = Decimal(0)
_DAY: Final = timedelta(days=1)
#: On either side of the sale (IRC 1091(a)).
_WINDOW: Final = timedelta(days=30)
_TERMS: Final = {Term.SHORT: "short-term", Term.LONG: "long-term"}


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
    gain, evidence = case.gain, case.evidence
    place = wording.place(gain.account_id, evidence)
    start = f"{wording.shares(gain.quantity, gain)}, {wording.opened(gain, case.lot, evidence)} in {place}"
    if case.action is not None or gain.closed_by is ClosedBy.CORPORATE_ACTION:
        return f"{start}: {wording.closed_by_action(gain, case.action, is_distribution=case.is_distribution)}."
    if gain.closed_by is ClosedBy.EXPIRY:
        return f"{start}, expired on {gain.sold_date} ({gain.close_execution_id})."
    return f"{start}, {wording.closed(gain, evidence)}."


def _proceeds(case: _Case) -> str:
    gain = case.gain
    if gain.is_short:
        return _short_proceeds(case)
    if gain.closed_by is ClosedBy.EXPIRY:
        return f"Proceeds: {money(gain.proceeds)}, since it expired without being used."
    fill = case.evidence.fills.get(gain.close_execution_id)
    strike = wording.strike_price(fill, gain)
    if strike is not None:
        return summed("Proceeds", _with_premium(strike, gain.proceeds))
    if fill is None or fill.symbol != gain.symbol:
        return f"Proceeds: {money(gain.proceeds)}, {'net of costs' if case.action is None else 'the cash paid'}."
    costs = part_of(fill.commission, gain.quantity, fill.quantity)
    gross = part_of(fill.gross_amount, gain.quantity, fill.quantity)
    if not agrees(gross - costs, gain.proceeds):
        return f"Proceeds: {money(gain.proceeds)}, net of costs and with what else belongs to the sale."
    return summed("Proceeds", [(gain.proceeds + costs, "the price"), (-costs, "selling costs")])


def _short_proceeds(case: _Case) -> str:
    """What the short sale brought, less the loss of an earlier closing that it carries (IRC 1091(e))."""
    carried, legend = _carried(case)
    sale = "writing them" if wording.is_option(case.gain) else "the short sale"
    brought = (case.gain.proceeds - carried, f"what {sale} brought, net of costs")
    return summed("Proceeds", [brought, (carried, legend)])


def _basis(case: _Case) -> str:
    gain = case.gain
    if gain.is_short:
        return f"Basis: {money(gain.basis)}, {_cost_of_closing(gain)}."
    if case.is_distribution:
        return f"Basis: {money(gain.basis)}, {_basis_used(case)}."
    carried, legend = _carried(case)
    absorbed, washes = taken_over(gain, case.lot, case.evidence)
    whence = f"the loss that this sale takes over from {losing_sales(washes, case.evidence)} (IRC 1091(e)(1))"
    cost = gain.basis - carried - absorbed
    strike = None if _is_changed(case) else wording.strike_price(case.evidence.fills.get(gain.open_execution_id), gain)
    paid = [(cost, "what they cost, costs included")] if strike is None else _with_premium(strike, cost)
    return summed("Basis", [*paid, (carried, legend), (absorbed, whence)])


def _with_premium(strike: Decimal, total: Decimal) -> list[tuple[Decimal, str]]:
    """Shares that an option brought or took: its premium belongs to their price (Pub. 550, Table 4-3)."""
    return [(strike, "the strike price"), (total - strike, "the premium of the option with all costs")]


def _is_changed(case: _Case) -> bool:
    """Whether a corporate action may have made the shares others than were acquired."""
    days = (case.lot.acquired_date, case.gain.sold_date)
    return any(days[0] < action.ex_date <= days[1] for action in case.evidence.corporate_actions)


def _cost_of_closing(gain: RealizedGain) -> str:
    if not gain.basis:
        return "since nothing was paid to close it"
    if gain.acquired_date == gain.sold_date:
        return "what closing it cost, costs included"
    return "what the shares delivered cost, with what their lot carried"


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
    losses = f"the loss carried in from {losing_sales(washes, case.evidence)}, which they replaced"
    is_mixed = washes[0].replacement_lot_id != lot.lot_id and has_returned_capital(lot, gain, case.evidence)
    return change, f"{losses}, less capital returned since" if is_mixed else losses


def _term(case: _Case) -> str:
    gain, name = case.gain, _TERMS[case.gain.term]
    start, sold = gain.holding_start.toordinal(), gain.sold_date.toordinal()
    if gain.is_short and wording.is_option(gain):
        return f"Term: {name}, as always for the writer of an option (IRC 1234(b))."
    if gain.term is not term(start, sold):
        return f"Term: {name}, {_special_term(case)}."
    if gain.is_short and start == sold:
        return f"Term: {name}, {_not_held(gain)}."
    counted = f"from {gain.holding_start + _DAY} to {gain.sold_date} are {wording.days(sold - start)}"
    if start == sold:
        counted = "that is none, since they left on the same one"
    long_from = f"a sale is long-term from {date.fromordinal(long_term_from(start))} on (IRC 1222)"
    return f"Term: {name}. {_start(case)}: {counted}; {long_from}."


def _not_held(gain: RealizedGain) -> str:
    """Why the shares that closed a short count as held for no day."""
    if gain.acquired_date == gain.sold_date:
        return "since what closed it was not held (IRC 1233; Pub. 550, p. 85)"
    return "since the period of the shares delivered starts anew with the close (IRC 1233(b)(2))"


def _start(case: _Case) -> str:
    """On which day the count starts, and why."""
    gain, tacked = case.gain, tacked_days(case.gain)
    if gain.holding_start > gain.acquired_date:
        return f"It counts anew from the day after {gain.holding_start}, when a short sale ended (IRC 1233(b)(2))"
    if not tacked:
        return "It counts from the day after the purchase"
    washes, whose = carried_in(case.lot, case.evidence), "of an earlier holding"
    if washes:
        whose = f"that the shares of {losing_sales(washes, case.evidence)} had been held"
    first = f"{gain.acquired_date} − {wording.days(tacked)} = {gain.holding_start}"
    told = f"The {wording.days(tacked)} {whose} come before the purchase (IRC 1223(3))"
    return f"{told}, so it counts from the day after {first}"


def _special_term(case: _Case) -> str:
    """Terms that do not follow from the days of this row."""
    gain = case.gain
    if not gain.is_short:
        return "whatever the days"
    if gain.term is Term.LONG:
        return "since identical shares had been held for more than a year when these were sold short (IRC 1233(d))"
    return "since identical shares held for a year or less stood beside the short sale (IRC 1233(b))"


def _outcome(case: _Case) -> str:
    gain = case.gain
    result = gain.proceeds - gain.basis
    name = "Gain" if result > 0 else "Loss" if result < 0 else "Result"
    equation = f"{money(gain.proceeds)} − {money(gain.basis)} = {money(result)}"
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
    if not gain.disallowed_loss:
        return [f"{_window(case)} {_none_found(case)}, so all of it is allowed, reported in {gain.tax_year}."]
    washes = case.evidence.washes_of_gain.get(gain.gain_id, ())
    clauses = "; ".join(wording.replacement(wash, gain, case.evidence) for wash in washes)
    return [f"{_window(case)} {clauses}.", _disallowed(gain, washes), _allowed(gain)]


def _window(case: _Case) -> str:
    sold, source = case.gain.sold_date, "IRC 1091(e)" if case.gain.is_short else "IRC 1091(a)"
    if case.gain.is_short and case.gain.acquired_date <= case.lot.acquired_date:
        sold, source = case.lot.acquired_date, "Reg. 1.1091-1(g): the shares delivered were owned at the short sale"
    return f"Replacements from {sold - _WINDOW} to {sold + _WINDOW} ({source}):"


def _none_found(case: _Case) -> str:
    return "none so far" if case.gain.is_provisional else "none"


def _disallowed(gain: RealizedGain, washes: Sequence[WashSale]) -> str:
    amounts = [wash.disallowed_loss for wash in washes]
    total = money(gain.disallowed_loss)
    if len(amounts) > 1 and sum(amounts, _NOTHING) == gain.disallowed_loss:
        total = f"{' + '.join(map(money, amounts))} = {total}"
    permanent = gain.permanently_disallowed
    if not permanent:
        return f"Disallowed: {total}, none of it for good."
    part = "all of it for good" if permanent == gain.disallowed_loss else f"{money(permanent)} of it for good"
    return f"Disallowed: {total}, {part}."


def _allowed(gain: RealizedGain) -> str:
    result = money(gain.proceeds - gain.basis)
    equation = f"{result} + {money(gain.disallowed_loss)} = {money(gain.gain_loss)}"
    return f"Allowed: {equation}, reported in {gain.tax_year} with code {gain.adjustment_code}."


def _still_open(case: _Case) -> list[str]:
    if not case.gain.is_provisional:
        return []
    until = case.gain.open_until_date
    return [f"Provisional, open until {until}: replacements acquired by then take over what is left of the loss."]


def _policies(case: _Case) -> list[str]:
    told = [case.evidence.policies.get(name, name) for name in case.gain.policies]
    return [f"Unsettled points it depends on: {'; '.join(told)}."] if told else []
