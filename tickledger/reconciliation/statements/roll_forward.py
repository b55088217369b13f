"""Roll-forwards: a start and lines that make an end."""

from decimal import Decimal
from typing import Final

from tickledger.reconciliation.statement_cash import Amount
from tickledger.reconciliation.statements.cells import Cells

_ZERO: Final = Decimal(0)
#: What the roundings of the single lines may add up to.
_TIES_WITHIN: Final = Decimal("0.01")


def check_tie(
    row: Cells, name: str, starting: Decimal | None, items: tuple[Amount, ...], ending: Decimal | None
) -> None:
    """Note where a start and all lines do not make the end."""
    if starting is None or ending is None:
        return
    total = starting + sum((item.amount for item in items), _ZERO)
    if abs(total - ending) > _TIES_WITHIN:
        row.note(name, f"{total}, the start and all lines", str(ending), severity="warning")
