"""Realized gains beside another's: sale by sale, then lot by lot, then box by box.

Sales of a security on a day are looked at together, since brokers cut and sum fills as they like. Where as many shares
were sold out of other acquisitions, the lots were chosen otherwise (Reg. 1.1012-1(c)) and the amounts of single lots
say nothing more. Where the lots are the same, each amount that differs has a break of its own: proceeds (1d), basis
(1e), the disallowed loss (1g), the term (2).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.corporate_action import CorporateActionKind
from tickledger.domain.lot import RealizedGain
from tickledger.reconciliation.breaks import BreakCause, Subject
from tickledger.reconciliation.disposals import Disposal, Sums, sums
from tickledger.reconciliation.findings import CENT, ZERO, Against, Finding, Findings, is_small, plain
from tickledger.reconciliation.ledger_view import LedgerView, ScopeResult
from tickledger.reconciliation.lot_choices import chosen_lots, spread
from tickledger.reconciliation.period import Period
from tickledger.tax.holding_period import term as term_of

_NEAR: Final = timedelta(days=6)
_Sale = tuple[str, date | None]
#: What the amounts are called in a statement, and on a Form 1099-B.
STATEMENT_FIELDS: Final[Mapping[str, str]] = {
    "sold": "closed_date", "proceeds": "proceeds", "basis": "basis", "disallowed": "disallowed_loss", "term": "term",
    "lots": "lots", "quantity": "quantity",
}  # fmt: skip
FORM_FIELDS: Final[Mapping[str, str]] = {
    "sold": "1c", "proceeds": "1d", "basis": "1e", "disallowed": "1g", "term": "2", "lots": "1b", "quantity": "1a",
}  # fmt: skip


@dataclass(slots=True)
class _Comparing:
    """One comparison of disposals at work."""

    view: LedgerView
    scope: ScopeResult
    subject: Subject
    fields: Mapping[str, str]
    against: Against
    period: Period
    findings: list[Finding] = field(default_factory=list)
    matched: int = 0

    def add(self, name: str, row: Disposal, cause: BreakCause, **said: object) -> None:
        """A finding about the amount `name` of the sale that `row` is part of."""
        sold = row.sold or self.period.end
        key = str(said.pop("key", f"{row.symbol} {sold}"))
        on = min(max(sold, self.period.start), self.period.end)
        said.setdefault("unit", "USD")
        if_right = said.pop("if_right", None)
        found = self.against.found(
            self.subject, key, cause, on, symbol=row.symbol, field=self.fields[name], **said,  # type: ignore[arg-type]  # the names are those of Said
        )  # fmt: skip
        self.findings.append(Finding(found, if_right=if_right))  # type: ignore[arg-type]


def compare_disposals(
    view: LedgerView,
    scope: ScopeResult,
    *,
    ours: Sequence[Disposal],
    theirs: Sequence[Disposal],
    subject: Subject,
    against: Against,
    period: Period,
) -> Findings:
    """Every sale of both sides in the period. `scope` is what our disposals come from; it knows their lots."""
    fields = FORM_FIELDS if subject is Subject.FORM_1099B else STATEMENT_FIELDS
    comparing = _Comparing(view, scope, subject, fields, against, period)
    mine, others = _by_sale(ours), _by_sale(theirs)
    years = [sale for sale in others if sale[1] is None]
    for sale in years:  # several sales in one row: all of ours of the security in the period
        rows = [row for key in [key for key in mine if key[0] == sale[0]] for row in mine.pop(key)]
        mine[sale] = [row for row in rows if row.sold is not None and period.has(row.sold)]
    moved = _on_other_dates(mine, others)
    taken = set(moved.values())
    for sale in sorted({*mine, *others}, key=lambda sale: (sale[0], sale[1] or date.min)):
        if sale in moved:
            _other_date(comparing, mine[sale], others[moved[sale]])
        elif sale in taken:
            continue
        elif sale not in others:
            _extra(comparing, mine[sale])
        elif not mine.get(sale):
            _missing(comparing, others[sale])
        else:
            _sale(comparing, mine[sale], others[sale])
    return Findings(comparing.findings, {subject: comparing.matched})


def _by_sale(rows: Iterable[Disposal]) -> dict[_Sale, list[Disposal]]:
    found: defaultdict[_Sale, list[Disposal]] = defaultdict(list)
    for row in rows:
        found[row.family, row.sold].append(row)
    return dict(found)


def _on_other_dates(
    mine: Mapping[_Sale, Sequence[Disposal]], others: Mapping[_Sale, Sequence[Disposal]]
) -> dict[_Sale, _Sale]:
    """Sales that the other side has a few days later or earlier with the same shares and amount."""
    left = {sale: sums(rows) for sale, rows in others.items() if sale not in mine and sale[1] is not None}
    found: dict[_Sale, _Sale] = {}
    taken: set[_Sale] = set()
    by_family: defaultdict[str, list[_Sale]] = defaultdict(list)
    for sale in left:
        by_family[sale[0]].append(sale)
    for sale, rows in mine.items():
        if sale in others or sale[1] is None:
            continue
        total = sums(rows)
        for other in by_family[sale[0]]:
            is_near = other[1] is not None and abs(other[1] - sale[1]) <= _NEAR
            if is_near and other not in taken and _is_same(total, left[other]):
                found[sale] = other
                taken.add(other)
                break
    return found


def _is_same(one: Sums, other: Sums) -> bool:
    if other.quantity is not None and one.quantity != other.quantity:
        return False
    if one.proceeds is None or other.proceeds is None:
        return one.quantity == other.quantity
    return is_small(one.proceeds - other.proceeds, one.rows + other.rows)


def _other_date(comparing: _Comparing, ours: Sequence[Disposal], theirs: Sequence[Disposal]) -> None:
    mine, other = ours[0].sold, theirs[0].sold
    if mine is None or other is None or not (comparing.period.has(mine) or comparing.period.has(other)):
        return
    detail = "the same sale under another date: a settle date stands for a trade date"
    other_year = mine.year != other.year
    comparing.add(
        "sold", ours[0], BreakCause.TIMING,
        ours=str(mine), theirs=str(other), difference=Decimal((other - mine).days), unit="days", where=theirs[0].where,
        detail=detail + ("; the trade date decides the year (Pub. 550, p. 81)" if other_year else ""),
        stake=(sums(ours).gain or ZERO) if other_year else ZERO,
    )  # fmt: skip


def _words(rows: Sequence[Disposal]) -> str:
    total = sums(rows)
    return f"{plain(total.quantity)} sold for {plain(total.proceeds)}, basis {plain(total.basis)}"


def _extra(comparing: _Comparing, rows: Sequence[Disposal]) -> None:
    sold = rows[0].sold
    if sold is None or not comparing.period.has(sold) or not comparing.period.proves_absence:
        return
    total = sums(rows)
    comparing.add(
        "quantity", rows[0], BreakCause.EXTRA,
        ours=_words(rows), difference=-(total.quantity or ZERO), unit="shares", stake=total.gain or ZERO,
        detail="the other side has no such sale",
    )  # fmt: skip


def _missing(comparing: _Comparing, rows: Sequence[Disposal]) -> None:
    total = sums(rows)
    comparing.add(
        "quantity", rows[0], BreakCause.MISSING,
        theirs=_words(rows), difference=total.quantity, unit="shares", where=rows[0].where,
        stake=total.gain if total.gain is not None else total.proceeds or ZERO, detail="our record has no such sale",
    )  # fmt: skip


def _sale(comparing: _Comparing, ours: Sequence[Disposal], theirs: Sequence[Disposal]) -> None:
    before = len(comparing.findings)
    mine, other = sums(ours), sums(theirs)
    if mine.quantity != other.quantity and None not in {mine.quantity, other.quantity}:
        _other_quantity(comparing, ours, theirs)
    elif any(row.acquired is None for row in theirs):
        _amounts(comparing, ours, theirs, "")
    else:
        _lots(comparing, ours, theirs)
    comparing.matched += len(theirs) if len(comparing.findings) == before else 0


def _other_quantity(comparing: _Comparing, ours: Sequence[Disposal], theirs: Sequence[Disposal]) -> None:
    mine, other = sums(ours), sums(theirs)
    difference = (other.quantity or ZERO) - (mine.quantity or ZERO)
    same_money = (
        mine.proceeds is not None and other.proceeds is not None and is_small(other.proceeds - mine.proceeds, 2)
    )
    comparing.add(
        "quantity", ours[0], BreakCause.CORPORATE_ACTION if same_money else BreakCause.QUANTITY,
        ours=_words(ours), theirs=_words(theirs), difference=difference, unit="shares", where=theirs[0].where,
        stake=(other.gain or ZERO) - (mine.gain or ZERO),
        detail="the same money in other shares: a split is worked into one side" if same_money else "",
    )  # fmt: skip


def _lots(comparing: _Comparing, ours: Sequence[Disposal], theirs: Sequence[Disposal]) -> None:
    one, other = spread(ours), spread(theirs)
    has_shares = all(row.quantity is not None for row in theirs)
    is_other = one != other if has_shares else set(one) != set(other)
    if is_other:
        _other_lots(comparing, ours, theirs)
        return
    mine, their = _by_lot(ours), _by_lot(theirs)
    if has_shares and _is_dealt_otherwise(mine, their):
        _other_lots(comparing, ours, theirs)
        return
    for acquired in sorted(their):
        _amounts(comparing, mine[acquired], their[acquired], f" of {acquired}")


def _is_dealt_otherwise(ours: Mapping[date, Sequence[Disposal]], theirs: Mapping[date, Sequence[Disposal]]) -> bool:
    """Whether the fills of a sale took its lots in another order: the same in all, other proceeds of each lot."""
    fills = {row.gain.close_execution_id for rows in ours.values() for row in rows if row.gain is not None}
    apart = []
    for day, rows in theirs.items():
        one, other = sums(ours[day]), sums(rows)
        if one.proceeds is None or other.proceeds is None:
            return False
        apart.append((other.proceeds - one.proceeds, one.rows + other.rows))
    is_apart = any(abs(difference) > CENT * count for difference, count in apart)
    whole = sum((difference for difference, _ in apart), ZERO)
    return len(fills) > 1 and len(apart) > 1 and is_apart and is_small(whole, sum(count for _, count in apart))


def _by_lot(rows: Iterable[Disposal]) -> dict[date, list[Disposal]]:
    found: defaultdict[date, list[Disposal]] = defaultdict(list)
    for row in rows:
        found[row.acquired or date.min].append(row)
    return found


def _other_lots(comparing: _Comparing, ours: Sequence[Disposal], theirs: Sequence[Disposal]) -> None:
    mine, other = sums(ours), sums(theirs)
    difference = None if other.gain is None or mine.gain is None else other.gain - mine.gain
    choices = chosen_lots(comparing.view, ours, theirs, comparing.scope.gains)
    detail = "as many shares were sold out of other lots"
    if len(choices) > 1:
        detail += "; " + "; ".join(f"{each.values['execution_id']} took {each.values['lots']}" for each in choices)
    comparing.add(
        "lots", ours[0], BreakCause.LOT_CHOICE,
        ours=_spread_words(ours), theirs=_spread_words(theirs), difference=difference, stake=difference or ZERO,
        detail=detail, where=theirs[0].where,
        correction=choices[0] if len(choices) == 1 else None,
        if_right=choices or None,
    )  # fmt: skip


def _spread_words(rows: Iterable[Disposal]) -> str:
    return ", ".join(f"{plain(shares)} of {acquired}" for acquired, shares in sorted(spread(rows).items()))


def _amounts(comparing: _Comparing, ours: Sequence[Disposal], theirs: Sequence[Disposal], which: str) -> None:
    mine, other, row = sums(ours), sums(theirs), ours[0]
    key = f"{row.symbol} {row.sold or comparing.period.end}{which}"
    rows = mine.rows + other.rows
    for name, is_cost in (("proceeds", False), ("basis", True), ("disallowed", False)):
        one, their = getattr(mine, name), getattr(other, name)
        if one is None or their is None or is_small(their - one, rows):
            continue
        difference = their - one
        if name == "disallowed" and comparing.period.is_joined and _is_known_later(comparing.scope, ours, difference):
            continue
        cause, detail = _why(comparing, name, ours, difference, their, rows=rows)
        comparing.add(
            name, row, cause,
            key=key, ours=plain(one), theirs=plain(their), difference=difference, stake=difference,
            detail=detail or ("higher" if difference > 0 else "lower") + (" basis" if is_cost else ""),
            where=theirs[0].where,
        )  # fmt: skip
    _term(comparing, ours, theirs, key)


def _is_known_later(scope: ScopeResult, ours: Sequence[Disposal], difference: Decimal) -> bool:
    """Whether theirs lacks no more than what purchases after the sale disallowed: an earlier record cannot have it."""
    later = later_disallowed(scope, [row.gain for row in ours if row.gain is not None])
    return -later - CENT <= difference < 0


def later_disallowed(scope: ScopeResult, gains: Iterable[RealizedGain]) -> Decimal:
    """What purchases after a sale disallowed of its loss, USD."""
    sold = {gain.gain_id: gain.sold_date for gain in gains}
    bought = {lot.open_execution_id: lot.acquired_date for lot in scope.lots}
    later = (
        wash.disallowed_loss
        for wash in scope.wash_sales
        if wash.gain_id in sold and bought.get(wash.replacement_execution_id, date.max) > sold[wash.gain_id]
    )
    return sum(later, ZERO)


def _why(
    comparing: _Comparing, name: str, ours: Sequence[Disposal], difference: Decimal, theirs: Decimal, *, rows: int
) -> tuple[BreakCause, str]:
    """The cause of an amount that differs, and what to say of it."""
    if abs(difference) <= CENT * rows:
        return BreakCause.ROUNDING, ""
    taxpayers = _taxpayers(comparing.view, ours, name)
    if name != "proceeds" and taxpayers is not None and is_small(theirs - taxpayers, rows):
        return BreakCause.SCOPE, "theirs is what comes of all accounts of the taxpayer"
    if name == "disallowed":
        scope = "theirs knows no disallowed loss: of a security that is not covered, or of another CUSIP"
        return (BreakCause.UNEXPLAINED, "") if theirs else (BreakCause.SCOPE, scope)
    if name == "proceeds":
        costs = _charges(comparing.view, {row.gain.close_execution_id for row in ours if row.gain is not None})
        is_gross = is_small(abs(difference) - costs, rows) and costs
        return (BreakCause.FEE, "theirs is before the costs of selling") if is_gross else (BreakCause.PRICE, "")
    return _why_basis(comparing, ours, difference, rows)


def _why_basis(
    comparing: _Comparing, ours: Sequence[Disposal], difference: Decimal, rows: int
) -> tuple[BreakCause, str]:
    lots = {lot.lot_id: lot for lot in comparing.scope.lots}
    carried = ZERO
    for gain in (row.gain for row in ours if row.gain is not None):
        lot = lots.get(gain.lot_id)
        if lot is not None and lot.quantity:
            carried += (lot.adjusted_basis - lot.original_basis) * gain.quantity / abs(lot.quantity)
    if carried > 0 and abs(difference + carried) <= CENT * rows:
        return BreakCause.SCOPE, f"theirs leaves out {plain(carried.quantize(CENT))} of disallowed losses"
    event = _event_of_basis(comparing.view, ours)
    if event:
        return BreakCause.CORPORATE_ACTION, event
    costs = _charges(comparing.view, {row.gain.open_execution_id for row in ours if row.gain is not None})
    if costs and is_small(abs(difference) - costs, rows):
        return BreakCause.FEE, "theirs is without the costs of buying"
    return BreakCause.PRICE, ""


def _event_of_basis(view: LedgerView, ours: Sequence[Disposal]) -> str:
    """The event between purchase and sale that moves basis; empty where there is none."""
    moving = {CorporateActionKind.RETURN_OF_CAPITAL, CorporateActionKind.SPINOFF, CorporateActionKind.MERGER}
    row = ours[0]
    if row.sold is None or row.acquired is None:
        return ""
    for action in view.corporate_actions:
        is_of_it = row.symbol in {action.symbol, action.new_symbol}
        if is_of_it and action.kind in moving and row.acquired < action.ex_date <= row.sold:
            return f"the {action.kind} of {action.ex_date} moves basis: one side has another part of it"
    return ""


def _charges(view: LedgerView, ids: set[str]) -> Decimal:
    charges = view.charges
    return sum((charges.get(name, ZERO) for name in ids), ZERO)


def _taxpayers(view: LedgerView, ours: Sequence[Disposal], name: str) -> Decimal | None:
    """The same amount as it comes of all accounts of the taxpayer."""
    if view.taxpayer_scope is None:
        return None
    pairs = {(row.gain.close_execution_id, row.gain.open_execution_id) for row in ours if row.gain is not None}
    found = [view.taxpayer_gains[pair] for pair in pairs if pair in view.taxpayer_gains]
    attribute = "basis" if name == "basis" else "disallowed_loss"
    return sum((getattr(gain, attribute) for group in found for gain in group), ZERO) if found else None


def _term(comparing: _Comparing, ours: Sequence[Disposal], theirs: Sequence[Disposal], key: str) -> None:
    one, other = {row.term for row in ours}, {row.term for row in theirs}
    if None in other or one == other or len(other) != 1 or len(one) != 1:
        return
    row, term = ours[0], next(iter(other))
    cause, detail = BreakCause.UNEXPLAINED, "the term does not follow from the dates"
    if row.acquired and row.sold and term_of(row.acquired.toordinal(), row.sold.toordinal()) is term:
        cause, detail = BreakCause.SCOPE, "theirs leaves out the holding period of shares sold at a loss"
    comparing.add(
        "term", row, cause,
        key=key, ours=str(row.term), theirs=str(term), unit="", stake=sums(ours).gain or ZERO, detail=detail,
        where=theirs[0].where,
    )  # fmt: skip
