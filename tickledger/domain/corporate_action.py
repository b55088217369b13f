"""Corporate actions: one record that adjusts bars, orders, positions and lots alike."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction


class CorporateActionKind(StrEnum):
    """What happened to a security, as `corporate_actions.csv` names it."""

    SPLIT = "split"
    DIVIDEND = "dividend"
    RETURN_OF_CAPITAL = "return_of_capital"
    SPINOFF = "spinoff"
    TICKER_CHANGE = "ticker_change"
    MERGER = "merger"
    DELISTING = "delisting"


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
