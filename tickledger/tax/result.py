"""What the engine concludes."""

from dataclasses import dataclass

from tickledger.domain.errors import Problem
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.tax.policies import Policies


@dataclass(frozen=True, slots=True)
class TaxResult:
    """Gains, wash sales and lots of every account, in the order in which they happened.

    `open_lots` is what is still held, under the `lot_id` of the lot it is left of; `lots` are all lots that a
    gain or an open lot refers to, each as it was when last whole. `problems` say what is wrong with the history,
    or what the engine does not judge; `left_out` names the symbols that are therefore not in the result.
    """

    gains: tuple[RealizedGain, ...]
    wash_sales: tuple[WashSale, ...]
    open_lots: tuple[Lot, ...]
    lots: tuple[Lot, ...]
    problems: tuple[Problem, ...]
    policies: Policies
    left_out: tuple[str, ...] = ()
