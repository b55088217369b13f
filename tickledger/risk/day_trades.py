"""Day trades as FINRA counted them: a security bought and sold, or sold short and covered, on one day.

FINRA Rule 4210(f)(8)(B) as it stood until 3 June 2026. Sales of what was held overnight before anything is bought
are none; parts of one closing count once, and a new opening after it begins another.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.execution import Execution

#: Four in five business days make a pattern day trader.
MOST_DAY_TRADES: Final = 3
_NOTHING: Final = Decimal(0)


@dataclass(slots=True)
class _Day:
    """One symbol on one day: signed shares from before, those opened today, and what was counted."""

    overnight: Decimal
    opened: Decimal = _NOTHING
    is_closing: bool = False
    count: int = 0

    def trade(self, change: Decimal) -> None:
        if self.opened * change < 0:
            self._close(change)
        elif self.overnight * change < 0:
            used = min(abs(change), abs(self.overnight))
            sign = 1 if change > 0 else -1
            self.overnight += sign * used
            self._open(change - sign * used)
        else:
            self._open(change)

    def _close(self, change: Decimal) -> None:
        self.count += not self.is_closing
        self.is_closing = True
        used = min(abs(change), abs(self.opened))
        sign = 1 if change > 0 else -1
        self.opened += sign * used
        if rest := change - sign * used:
            self.trade(rest)

    def _open(self, change: Decimal) -> None:
        if change:
            self.opened += change
            self.is_closing = False


def day_trades(
    executions: Iterable[Execution], *, days: Collection[date], held: Mapping[str, Decimal] | None = None
) -> int:
    """The day trades of one account on `days` (the last five business days, today included).

    `executions` are in time and begin with the first of `days`; `held` are the signed shares before it.
    """
    before = dict(held or {})
    current: dict[str, tuple[date, _Day]] = {}
    total = 0
    for execution in executions:
        symbol, change = execution.symbol, execution.side.sign * execution.quantity
        day, of_day = current.get(symbol, (None, None))
        if of_day is None or day != execution.trade_date:
            total += of_day.count if of_day is not None and day in days else 0
            of_day = _Day(before.get(symbol, _NOTHING))
            current[symbol] = (execution.trade_date, of_day)
        of_day.trade(change)
        before[symbol] = before.get(symbol, _NOTHING) + change
    return total + sum(of_day.count for day, of_day in current.values() if day in days)
