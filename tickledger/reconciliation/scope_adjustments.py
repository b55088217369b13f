"""From what brokers report to what the taxpayer owes: the adjustments of Form 8949, line by line.

Column (e) of Form 8949 is the basis on the 1099-B where that went to the tax office, even when it is wrong, and what
sets it right stands in (g) (Instructions for Form 8949 (2025), columns (e) and (f), p. 7–11):

    W  the correct disallowed loss, positive; where box 1g says something else the correct amount all the same, and
       W with 0 where none is disallowed
    B  box 1e less the correct basis: negative where a lot replaced a loss of another account, which its 1099-B lacks
    T  the term of box 2 is wrong, since the holding period of the shares sold at a loss counts; the amount is 0

A line is what one execution closed of what one execution opened. `difference` is what an adjustment adds to the gain
that the 1099-B comes to; over all lines and with the lines of accounts without a 1099-B left out,

    Σ difference = gain or loss of the taxpayer's scope − gain or loss of the brokers' scopes
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tickledger.domain.lot import Lot, RealizedGain, Term, WashSale
from tickledger.reconciliation.findings import ZERO, plain
from tickledger.reconciliation.ledger_view import ScopeResult
from tickledger.tax.form_8949 import description_of

_Line = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class ScopeAdjustment:
    """One adjustment of a line of Form 8949, USD.

    `code` is W, B or T; `reported` what the 1099-B has (box 1g for W, 1e for B), `correct` what is right, `amount` the
    part of column (g), `difference` what it changes of the gain that the 1099-B comes to. Where the basis did not go to
    the tax office there is no code B: the right basis stands in (e) and `amount` is 0.
    """

    account_id: str
    symbol: str
    close_execution_id: str
    open_execution_id: str
    description: str
    tax_year: int
    code: str
    reported: Decimal
    correct: Decimal
    amount: Decimal
    difference: Decimal
    explanation: str
    gain_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What sentences are made of: whose account an execution is in, and what replaced what."""

    accounts: Mapping[str, str]
    replaced_by: Mapping[str, Sequence[WashSale]]
    carried_into: Mapping[str, Sequence[tuple[WashSale, RealizedGain]]]


def scope_adjustments(
    brokers: Mapping[str, ScopeResult],
    taxpayer: ScopeResult,
    *,
    tax_year: int | None = None,
    basis_not_reported: Collection[str] = (),
) -> tuple[ScopeAdjustment, ...]:
    """What to adjust on the lines of the accounts of `brokers`, whose scopes it maps by account id.

    `basis_not_reported` are the accounts whose 1099-B did not report the basis; `tax_year` takes the lines of one year.
    """
    theirs = _lines(gain for scope in brokers.values() for gain in scope.gains)
    ours = _lines(gain for gain in taxpayer.gains if gain.account_id in brokers)
    facts = _facts(taxpayer)
    found: list[ScopeAdjustment] = []
    for line in sorted({*theirs, *ours}, key=lambda line: _place(line, theirs, ours)):
        mine, other = ours.get(line, []), theirs.get(line, [])
        year = (mine or other)[0].tax_year
        if tax_year is None or year == tax_year:
            found += _adjusted(line, mine, other, facts, is_reported=line[0] not in basis_not_reported)
    return tuple(found)


def _lines(gains: Iterable[RealizedGain]) -> dict[_Line, list[RealizedGain]]:
    found: defaultdict[_Line, list[RealizedGain]] = defaultdict(list)
    for gain in gains:
        found[gain.account_id, gain.symbol, gain.close_execution_id, gain.open_execution_id].append(gain)
    return dict(found)


def _place(
    line: _Line, theirs: Mapping[_Line, Sequence[RealizedGain]], ours: Mapping[_Line, Sequence[RealizedGain]]
) -> tuple[object, ...]:
    gain = (ours.get(line) or theirs[line])[0]
    return (gain.sold_date, gain.acquired_date, *line)


def _facts(taxpayer: ScopeResult) -> _Facts:
    lots: Mapping[str, Lot] = {lot.lot_id: lot for lot in taxpayer.lots}
    gains = {gain.gain_id: gain for gain in taxpayer.gains}
    accounts = {lot.open_execution_id: lot.account_id for lot in (*taxpayer.lots, *taxpayer.open_lots)}
    accounts |= {gain.open_execution_id: gain.account_id for gain in taxpayer.gains}
    replaced_by: defaultdict[str, list[WashSale]] = defaultdict(list)
    carried: defaultdict[str, list[tuple[WashSale, RealizedGain]]] = defaultdict(list)
    for wash in taxpayer.wash_sales:
        replaced_by[wash.gain_id].append(wash)
        lot = lots.get(wash.replacement_lot_id or "")
        into = lot.open_execution_id if lot is not None else wash.replacement_execution_id
        if not wash.is_permanent and wash.gain_id in gains:
            carried[into].append((wash, gains[wash.gain_id]))
    return _Facts(accounts, replaced_by, carried)


def _sum(gains: Iterable[RealizedGain], name: str) -> Decimal:
    return sum((getattr(gain, name) for gain in gains), ZERO)


def _adjusted(
    line: _Line,
    ours: Sequence[RealizedGain],
    theirs: Sequence[RealizedGain],
    facts: _Facts,
    *,
    is_reported: bool,
) -> list[ScopeAdjustment]:
    found = []
    washed, reported = _sum(ours, "disallowed_loss"), _sum(theirs, "disallowed_loss")
    if washed != reported:
        why = _why_washed(line, ours, facts, washed=washed, reported=reported)
        found.append(_adjustment(line, ours or theirs, "W", reported, washed, washed, washed - reported, why))
    basis, told = _sum(ours, "basis"), _sum(theirs, "basis")
    paid = _sum(ours, "proceeds") - _sum(theirs, "proceeds")
    if basis != told or paid:
        difference = told - basis + paid
        why = _why_basis(line, ours or theirs, facts, basis=basis, told=told, is_reported=is_reported)
        amount = difference if is_reported else ZERO
        code = "B" if is_reported else ""
        found.append(_adjustment(line, ours or theirs, code, told, basis, amount, difference, why))
    terms, told_terms = {gain.term for gain in ours}, {gain.term for gain in theirs}
    if ours and theirs and terms != told_terms and is_reported:
        found.append(_adjustment(line, ours, "T", ZERO, ZERO, ZERO, ZERO, _why_term(line, ours)))
    return found


def _adjustment(  # noqa: PLR0917  the amounts in the order of the fields
    line: _Line,
    gains: Sequence[RealizedGain],
    code: str,
    reported: Decimal,
    correct: Decimal,
    amount: Decimal,
    difference: Decimal,
    why: str,
) -> ScopeAdjustment:
    account_id, symbol, close, opening = line
    first = gains[0]
    return ScopeAdjustment(
        account_id=account_id,
        symbol=symbol,
        close_execution_id=close,
        open_execution_id=opening,
        description=description_of(_sum(gains, "quantity"), symbol, first.asset_class),
        tax_year=first.tax_year,
        code=code,
        reported=reported,
        correct=correct,
        amount=amount,
        difference=difference,
        explanation=why,
        gain_ids=tuple(gain.gain_id for gain in gains),
    )


def _sale(gains: Sequence[RealizedGain]) -> str:
    first = gains[0]
    what = description_of(_sum(gains, "quantity"), first.symbol, first.asset_class)
    return f"{what} bought {first.acquired_date} and sold {first.sold_date} in {first.account_id}"


def _why_washed(line: _Line, ours: Sequence[RealizedGain], facts: _Facts, *, washed: Decimal, reported: Decimal) -> str:
    if not washed:
        return (
            f"{line[1]} closed by {line[2]} in {line[0]}: box 1g says {plain(reported)}, but nothing of the loss is"
            " disallowed once all accounts are looked at; enter W with 0 (i8949, p. 10)."
        )
    by: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for gain in ours:
        for wash in facts.replaced_by.get(gain.gain_id, ()):
            account = facts.accounts.get(wash.replacement_execution_id, "another account")
            by[account, wash.rule] += wash.disallowed_loss
    parts = [f"{plain(amount)} by what {account} bought ({rule})" for (account, rule), amount in sorted(by.items())]
    return (
        f"{_sale(ours)}: of the loss {plain(washed)} are disallowed, {', '.join(parts)}; box 1g says"
        f" {plain(reported)}, since the broker looks at {line[0]} alone."
    )


def _why_basis(
    line: _Line, gains: Sequence[RealizedGain], facts: _Facts, *, basis: Decimal, told: Decimal, is_reported: bool
) -> str:
    carried = [
        f"{plain(wash.disallowed_loss)} of the sale of {gain.sold_date} in {gain.account_id}"
        for wash, gain in facts.carried_into.get(line[3], ())
    ]
    reason = (
        f"the shares carry disallowed losses: {', '.join(carried)}" if carried else "lots of this account carry less"
    )
    where = "the difference stands in (g) under B" if is_reported else "enter the right basis in (e) and 0 in (g)"
    return f"{_sale(gains)}: the basis is {plain(basis)}, box 1e says {plain(told)}; {reason}; {where}."


def _why_term(line: _Line, gains: Sequence[RealizedGain]) -> str:
    term = "long" if gains[0].term is Term.LONG else "short"
    return (
        f"{_sale(gains)}: {term}-term, since the holding period starts {gains[0].holding_start} with that of shares"
        f" sold at a loss (IRC 1223(3)); the broker of {line[0]} does not count them."
    )


def total_difference(adjustments: Iterable[ScopeAdjustment]) -> Decimal:
    """What all adjustments change of the gain or loss that the 1099-Bs come to, USD."""
    return sum((adjustment.difference for adjustment in adjustments), ZERO)
