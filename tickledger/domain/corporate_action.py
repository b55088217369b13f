"""Corporate actions: one record that adjusts bars, orders, positions and lots alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final


class CorporateActionKind(StrEnum):
    """What happened to a security, as `corporate_actions.csv` names it."""

    SPLIT = "split"
    DIVIDEND = "dividend"
    RETURN_OF_CAPITAL = "return_of_capital"
    SPINOFF = "spinoff"
    TICKER_CHANGE = "ticker_change"
    MERGER = "merger"
    DELISTING = "delisting"


#: What ends the symbol it is about.
ENDINGS: Final = frozenset(
    (CorporateActionKind.TICKER_CHANGE, CorporateActionKind.MERGER, CorporateActionKind.DELISTING)
)


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """One event, effective before the first trade of `ex_date`.

    `ratio` is new shares per old share, exact (1/3 stays a third); `amount` is USD per share.
    `fmv_old` and `fmv_new` are USD per share after the distribution; `cash_in_lieu` is a total in USD.
    """

    symbol: str
    ex_date: date
    kind: CorporateActionKind
    ratio: Fraction | None = None
    amount: Decimal | None = None
    new_symbol: str | None = None
    fmv_old: Decimal | None = None
    fmv_new: Decimal | None = None
    cash_in_lieu: Decimal | None = None
    corporate_action_id: str | None = None


#: Of one day: what a share is, then what is paid on it, then what it turns into.
_RANKS: Final[Mapping[CorporateActionKind, int]] = {
    CorporateActionKind.SPLIT: 0,
    CorporateActionKind.DIVIDEND: 1,
    CorporateActionKind.RETURN_OF_CAPITAL: 1,
    CorporateActionKind.SPINOFF: 2,
    CorporateActionKind.TICKER_CHANGE: 3,
    CorporateActionKind.MERGER: 3,
    CorporateActionKind.DELISTING: 4,
}


def in_order(actions: Iterable[CorporateAction]) -> list[CorporateAction]:
    """The events in the order in which they take effect, each once: one that is told again changes nothing.

    By date; of one day a split comes before payments, whose amounts are per new share, and these before whatever
    ends the symbol. What happens to a symbol that only comes to be on that day comes last.
    """
    distinct = {action.corporate_action_id or action: action for action in actions}.values()
    received = {(action.ex_date, action.new_symbol) for action in distinct}

    def place(action: CorporateAction) -> tuple[date, bool, int, str, str, str]:
        is_late = (action.ex_date, action.symbol) in received
        names = (action.symbol, action.new_symbol or "", action.corporate_action_id or "")
        return (action.ex_date, is_late, _RANKS[action.kind], *names)

    return sorted(distinct, key=place)
