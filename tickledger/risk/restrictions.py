"""The restricted list: what may not be traded, on which side, from when until when, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tickledger.domain.order import OrderSide
from tickledger.domain.signal import OrderIntent


@dataclass(frozen=True, slots=True)
class Restriction:
    """One entry, in force from `from_date` to `to_date`, both included; without an end where that is None.

    `side` None means every side. An order that only reduces a position passes unless `covers_reducing`, which is
    for what the law or an employer forbids outright (a blackout period).
    """

    symbol: str
    reason: str
    from_date: date
    to_date: date | None = None
    side: OrderSide | None = None
    covers_reducing: bool = False

    def forbids(self, intent: OrderIntent, *, is_reducing: bool) -> bool:
        """Whether the entry stands against `intent`."""
        is_in_force = self.from_date <= intent.session_date and (
            self.to_date is None or intent.session_date <= self.to_date
        )
        is_of_side = self.side is None or self.side is intent.side
        return intent.symbol == self.symbol and is_in_force and is_of_side and (self.covers_reducing or not is_reducing)


def by_symbol(restrictions: Iterable[Restriction]) -> Mapping[str, Sequence[Restriction]]:
    """The entries of each symbol."""
    listed: dict[str, list[Restriction]] = {}
    for restriction in restrictions:
        listed.setdefault(restriction.symbol, []).append(restriction)
    return listed
