"""Which lots a sale took: shares by the day they were bought, and the choice that makes ours what the others have."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from math import prod
from typing import Final

from tickledger.domain.corporate_action import CorporateActionKind
from tickledger.domain.execution import Execution
from tickledger.domain.lot import RealizedGain
from tickledger.reconciliation.breaks import ProposedCorrection
from tickledger.reconciliation.corrections import choose_lots
from tickledger.reconciliation.disposals import Disposal
from tickledger.reconciliation.findings import ZERO, told_shares
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.tax.fills import LotChoice

#: Beyond, the fills of a sale take its lots in their order.
_MOST_FILLS: Final = 4


def spread(rows: Iterable[Disposal]) -> dict[date, Decimal]:
    """Shares by acquisition date; rows that do not tell shares count nothing."""
    found: defaultdict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row.acquired or date.min] += row.quantity or ZERO
    return {acquired: told_shares(shares) for acquired, shares in found.items()}


def chosen_lots(
    view: LedgerView, ours: Sequence[Disposal], theirs: Sequence[Disposal], gains: Iterable[RealizedGain]
) -> tuple[ProposedCorrection, ...]:
    """The lots that the other side's sale took, by our executions, for each fill of it; empty where that is unclear.

    Of several purchases of a day the earlier ones come first, each as far as sales before this one left it (`gains`);
    the fills of the sale take them in their order.
    """
    sold = ours[0].sold
    sales: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in ours:
        if row.gain is not None:
            sales[row.gain.close_execution_id] += row.gain.quantity
    if sold is None or not sales or any(row.quantity is None or row.is_short for row in (*ours, *theirs)):
        return ()
    others = [gain for gain in gains if _is_other(gain, sales)]
    lots = _taken(view, ours[0].symbol, sold, theirs, others)
    if not lots:
        return ()
    return tuple(choose_lots(close, choices) for close, choices in _best_dealt(view, lots, ours, theirs, sales))


_Dealt = list[tuple[str, list[LotChoice]]]


def _best_dealt(
    view: LedgerView,
    lots: Sequence[LotChoice],
    ours: Sequence[Disposal],
    theirs: Sequence[Disposal],
    sales: Mapping[str, Decimal],
) -> _Dealt:
    """Deal the lots out to the fills so that what each lot brought in comes nearest to what the other side has."""
    ordered = sorted(sales.items())
    if len(ordered) > _MOST_FILLS or any(row.proceeds is None for row in (*ours, *theirs)):
        return list(_dealt(lots, ordered))
    received: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in ours:
        if row.gain is not None:
            received[row.gain.close_execution_id] += row.gain.proceeds
    wanted: defaultdict[date, Decimal] = defaultdict(Decimal)
    for row in theirs:
        wanted[row.acquired or date.min] += row.proceeds or ZERO
    bought = {row.execution_id: row.trade_date for row in view.executions_of.get(ours[0].symbol, ())}

    def distance(dealt: _Dealt) -> Decimal:
        found: defaultdict[date, Decimal] = defaultdict(Decimal)
        for close, choices in dealt:
            for choice in choices:
                found[bought[choice.open_execution_id]] += choice.quantity * received[close] / sales[close]
        return sum((abs(found[day] - amount) for day, amount in wanted.items()), ZERO)

    return min((list(_dealt(lots, each)) for each in permutations(ordered)), key=distance)


def _is_other(gain: RealizedGain, sales: Mapping[str, Decimal]) -> bool:
    return gain.close_execution_id not in sales


def _taken(
    view: LedgerView, symbol: str, sold: date, theirs: Sequence[Disposal], others: Iterable[RealizedGain]
) -> list[LotChoice]:
    """Our purchases that make up the shares of `theirs` by day, nearest in cost first; empty where they do not."""
    costs: defaultdict[date, Decimal] = defaultdict(Decimal)
    for row in theirs:
        costs[row.acquired or date.min] += row.basis or ZERO
    gone: defaultdict[str, Decimal] = defaultdict(Decimal)
    for gain in others:
        if gain.symbol == symbol and gain.sold_date <= sold:
            gone[gain.open_execution_id] += gain.quantity * _growth(view, symbol, gain.sold_date, sold)
    choices: list[LotChoice] = []
    for acquired, wanted in sorted(spread(theirs).items()):
        left, each = wanted, costs[acquired] / (wanted or 1)
        of_day = [row for row in view.executions_of.get(symbol, ()) if row.trade_date == acquired and row.side.sign > 0]
        grown = _growth(view, symbol, acquired, sold)
        for bought in sorted(of_day, key=lambda row: abs(_cost(row) / grown - each) if each else ZERO):
            held = bought.quantity * _growth(view, symbol, acquired, sold) - gone[bought.execution_id]
            if (part := min(left, held)) > 0:
                choices.append(LotChoice(bought.execution_id, part))
                left -= part
        if left > 0:
            return []
    return choices


def _cost(bought: Execution) -> Decimal:
    """What a share of a purchase cost, USD, charges included."""
    return bought.price + (bought.commission + bought.fees) / bought.quantity


def _dealt(lots: Sequence[LotChoice], sales: Sequence[tuple[str, Decimal]]) -> Iterator[tuple[str, list[LotChoice]]]:
    """The lots dealt out to the fills of a sale in turn."""
    waiting = list(reversed(lots))
    for close, quantity in sales:
        left, choices = quantity, []
        while left > 0 and waiting:
            lot = waiting.pop()
            part = min(left, lot.quantity)
            choices.append(LotChoice(lot.open_execution_id, part))
            left -= part
            if lot.quantity > part:
                waiting.append(LotChoice(lot.open_execution_id, lot.quantity - part))
        yield close, choices


def _growth(view: LedgerView, symbol: str, first: date, last: date) -> Decimal:
    """How many shares of `last` one share of `first` is."""
    ratios = [
        action.ratio
        for action in view.corporate_actions
        if action.symbol == symbol and action.kind is CorporateActionKind.SPLIT and first < action.ex_date <= last
    ]
    grown = prod((ratio for ratio in ratios if ratio is not None), start=Fraction(1))
    return Decimal(grown.numerator) / Decimal(grown.denominator)
