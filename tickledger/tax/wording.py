"""How explanations name things: amounts and sums, shares, accounts, trades and corporate actions."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from tickledger.domain.account import AccountKind
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.domain.money import round_cents
from tickledger.tax.evidence import Evidence, kind_of_account
from tickledger.tax.fills import Fill

_SHARE_DIGITS: Final = Decimal("0.000001")
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
#: What a fill of each side did, by the names of `fills.csv`; the exercise of an option names the option.
_VERBS: Final = {
    "BUY": "bought",
    "SELL": "sold",
    "SELL_SHORT": "sold short",
    "TRANSFER_IN": "transferred in",
    "EXERCISE": "by exercise of",
    "ASSIGN": "by assignment of",
}
_BY_OPTION: Final = frozenset({"EXERCISE", "ASSIGN"})
_OPTIONS: Final = frozenset({AssetClass.OPTION, AssetClass.INDEX_OPTION})


def money(amount: Decimal) -> str:
    """USD to the cent, with a minus sign."""
    return f"{amount:.2f}".replace("-", "−")


def summed(name: str, summands: Sequence[tuple[Decimal, str]]) -> str:
    """``Basis: 800.00 + 250.00 = 1050.00, what they cost, and the loss carried in …``; zeros are left out.

    A summand is an amount with its sign and what it is.
    """
    first, *others = [summand for summand in summands if summand[0]] or [summands[0]]
    equation = money(first[0]) + "".join(f" {'−' if amount < 0 else '+'} {money(abs(amount))}" for amount, _ in others)
    if others:
        equation += f" = {money(sum((amount for amount, _ in others), first[0]))}"
    legend = [first[1], *(f"{'less' if amount < 0 else 'and'} {what}" for amount, what in others)]
    return f"{name}: {equation}, {', '.join(legend)}."


def days(count: int) -> str:
    """A number of days."""
    return "1 day" if count == 1 else f"{count} days"


def shares(quantity: Decimal, gain: RealizedGain, *, symbol: str | None = None) -> str:
    """``50 shares of M``: contracts and coins by their own names, thirds to six places."""
    told = f"{quantity.normalize():f}" if quantity == quantity.quantize(_SHARE_DIGITS) else f"{quantity:.6f}"
    unit = _UNITS.get(gain.asset_class, "contracts of ")
    return f"{told} {unit if quantity != 1 else unit.replace('s of', ' of')}{symbol or gain.symbol}"


def is_option(gain: RealizedGain) -> bool:
    """Whether what was closed is an option itself."""
    return gain.asset_class in _OPTIONS


def strike_price(fill: Fill | None, gain: RealizedGain) -> Decimal | None:
    """What the shares of a gain were bought or sold for where that was by an option, without its premium."""
    if fill is None or fill.contract is None or fill.contract.underlying != gain.symbol:
        return None
    return round_cents(fill.contract.strike * gain.quantity) if fill.side in _BY_OPTION else None


def place(account_id: str, evidence: Evidence) -> str:
    """An account and what it is: ``T1 (taxable)``."""
    return f"{account_id} ({_ACCOUNTS[kind_of_account(account_id, evidence)]})"


def opened(gain: RealizedGain, lot: Lot, evidence: Evidence) -> str:
    """How and when a lot came about, by another name where a corporate action has renamed it since."""
    fill = evidence.fills.get(gain.open_execution_id)
    verb, name = "sold short" if gain.is_short else "acquired", ""
    if gain.is_short and is_option(gain):
        verb = "written"
    elif fill is not None:
        verb = _VERBS.get(str(fill.side), verb)
        if fill.side in _BY_OPTION:
            verb, name = f"acquired {verb}", f" {fill.symbol}"
        elif fill.symbol != gain.symbol:
            name = f" as {fill.symbol}"
    return f"{verb}{name} on {lot.acquired_date} ({gain.open_execution_id})"


def closed(gain: RealizedGain, evidence: Evidence) -> str:
    """By what a lot was sold, or a short closed."""
    fill = evidence.fills.get(gain.close_execution_id)
    how = ""
    if fill is not None and fill.side in _BY_OPTION:
        how = f" {_VERBS[str(fill.side)]} {fill.symbol}"
    if not gain.is_short:
        return f"sold{how} on {gain.sold_date} ({gain.close_execution_id})"
    if is_option(gain):
        return f"bought back on {gain.sold_date} ({gain.close_execution_id})"
    bought = "that day" if gain.acquired_date == gain.sold_date else f"on {gain.acquired_date}"
    return f"closed{how} on {gain.sold_date} with what was bought {bought} ({gain.close_execution_id})"


def closed_by_action(gain: RealizedGain, action: CorporateAction | None, *, is_distribution: bool) -> str:
    """What a corporate action did to the shares that made it a gain."""
    if action is None:
        return f"closed on {gain.sold_date} by a corporate action ({gain.close_execution_id})"
    kind = str(action.kind).replace("_", " ")
    event = f"the {kind} of {action.symbol} on {gain.sold_date} ({gain.close_execution_id})"
    if action.kind is CorporateActionKind.RETURN_OF_CAPITAL:
        return f"{event} paid more on them than their basis (IRC 301(c))"
    if is_distribution:
        return f"{event} paid cash on them beside new shares, which is gain up to the cash (IRC 356)"
    if action.cash_in_lieu:
        return f"a fraction that {event} left, sold for the cash paid in its place (Pub. 550, p. 63)"
    if action.amount:
        return f"exchanged for the cash that {event} paid"
    return f"ended by {event}"


def losing_sales(wash_sales: Sequence[WashSale], evidence: Evidence) -> str:
    """The sales whose losses were taken over: ``the sale on 2025-01-03 (S1)``."""
    names = dict.fromkeys(_losing_sale(wash.gain_id, evidence) for wash in wash_sales)
    return " and ".join(names)


def _losing_sale(gain_id: str, evidence: Evidence) -> str:
    gain = evidence.gains.get(gain_id)
    if gain is None:
        return f"the sale of {gain_id}"
    what = "the short closed" if gain.is_short else "the sale"
    return f"{what} on {gain.sold_date} ({gain.close_execution_id})"


def replacement(wash: WashSale, gain: RealizedGain, evidence: Evidence) -> str:
    """``50 shares of M bought on 2024-12-13 (B2) in T1 (taxable) take over 500.00, carried by lot_… (rule)``."""
    lot, fill = evidence.lots.get(wash.replacement_lot_id or ""), evidence.fills.get(wash.replacement_execution_id)
    symbol = lot.symbol if lot is not None else fill.symbol if fill is not None else gain.symbol
    what = f"{shares(wash.quantity, gain, symbol=symbol)} {_acquired(wash, lot, evidence)}"
    return f"{what} take over {money(wash.disallowed_loss)}{_where_to(wash)} ({wash.rule})"


def _acquired(wash: WashSale, lot: Lot | None, evidence: Evidence) -> str:
    fill = evidence.fills.get(wash.replacement_execution_id)
    if fill is not None:
        verb = _VERBS.get(str(fill.side), "acquired")
        verb = f"acquired {verb} {fill.symbol}" if fill.side in _BY_OPTION else verb
        day, account_id = fill.trade_date, fill.account_id
    elif lot is not None:
        verb, day, account_id = "sold short" if lot.quantity < 0 else "bought", lot.acquired_date, lot.account_id
    else:
        return f"acquired by {wash.replacement_execution_id}"
    return f"{verb} on {day} ({wash.replacement_execution_id}) in {place(account_id, evidence)}"


def _where_to(wash: WashSale) -> str:
    if wash.is_permanent:
        return ", lost for good"
    return "" if wash.replacement_lot_id is None else f", carried by {wash.replacement_lot_id}"
