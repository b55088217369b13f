"""Which lots a sale took: shares by the day they were bought, and the choice that makes ours what the others have."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from tickledger.reconciliation.breaks import ProposedCorrection
from tickledger.reconciliation.corrections import choose_lots
from tickledger.reconciliation.disposals import Disposal
from tickledger.reconciliation.findings import ZERO, told_shares
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.tax.fills import LotChoice


def spread(rows: Iterable[Disposal]) -> dict[date, Decimal]:
    """Shares by acquisition date; rows that do not tell shares count nothing."""
    found: defaultdict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row.acquired or date.min] += row.quantity or ZERO
    return {acquired: told_shares(shares) for acquired, shares in found.items()}


def chosen_lots(view: LedgerView, ours: Sequence[Disposal], theirs: Sequence[Disposal]) -> ProposedCorrection | None:
    """The lots that the other side's sale took, by our executions; None where that cannot be said.

    One fill has to have made the whole sale. Of several purchases of a day the earlier ones come first.
    """
    closings = {row.gain.close_execution_id for row in ours if row.gain is not None}
    if len(closings) != 1 or any(row.quantity is None or row.is_short for row in (*ours, *theirs)):
        return None
    choices = []
    for acquired, shares in sorted(spread(theirs).items()):
        left = shares
        for bought in view.executions_of.get(ours[0].symbol, ()):
            if bought.trade_date == acquired and bought.side.sign > 0 and left > 0:
                taken = min(left, bought.quantity)
                choices.append(LotChoice(bought.execution_id, taken))
                left -= taken
        if left > 0:
            return None
    return choose_lots(next(iter(closings)), choices)
