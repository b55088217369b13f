"""What the engine concludes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from tickledger.domain.errors import Problem
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.tax import gains
from tickledger.tax.policies import Policies
from tickledger.tax.result_columns import HouseholdColumns

Row = TypeVar("Row")


@dataclass(frozen=True, eq=False)
class TaxResult:
    """Gains, wash sales and lots of every account, in the order in which they happened.

    `households` has all of it as columns; the rows are made when they are asked for. `problems` say what is wrong
    with the history, or what the engine does not judge; `left_out` names the symbols that are therefore not in the
    result. Results are equal where all their rows are.
    """

    households: tuple[HouseholdColumns, ...]
    problems: tuple[Problem, ...]
    policies: Policies
    left_out: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaxResult) and self._told() == other._told()

    __hash__ = None  # type: ignore[assignment]  # its rows are compared, not its identity

    def _told(self) -> tuple[object, ...]:
        rows = (self.gains, self.wash_sales, self.open_lots, self.lots)
        return (*rows, self.problems, self.policies, self.left_out)

    @cached_property
    def gains(self) -> tuple[RealizedGain, ...]:
        """Every disposition, by date."""
        return tuple(sorted(self._all(gains.gain_rows), key=lambda gain: gain.sold_date))

    @cached_property
    def wash_sales(self) -> tuple[WashSale, ...]:
        """Every replacement of shares sold at a loss, by gain."""
        return tuple(self._all(gains.wash_sale_rows))

    @cached_property
    def open_lots(self) -> tuple[Lot, ...]:
        """What is still held, under the `lot_id` of the lot it is left of."""
        return tuple(self._all(gains.open_lot_rows))

    @cached_property
    def lots(self) -> tuple[Lot, ...]:
        """All lots that the rest refers to, each as it was when last whole."""
        return tuple(self._all(gains.lot_rows))

    def _all(self, rows_of: Callable[[HouseholdColumns], Iterable[Row]]) -> Iterator[Row]:
        return (row for columns in self.households for row in rows_of(columns))
