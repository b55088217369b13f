"""Where the law is unsettled: one named setting for each question, its default, and why.

Every report prints these. The default is what practice and the published examples follow; a setting with one
value states a position that the engine takes and that cannot be switched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final


class ReplacementHeld(StrEnum):
    """P1, whether a replacement must still be held when the loss is realized."""

    REQUIRED = "required"


class SameOrder(StrEnum):
    """P2, whether shares that leave in the same sale order replace each other."""

    NEVER_REPLACES = "never_replaces"
    REPLACES = "replaces"


class OlderShares(StrEnum):
    """P3, whether shares of the window replace shares that were bought after them."""

    REPLACE = "replace"
    DO_NOT_REPLACE = "do_not_replace"


class Ties(StrEnum):
    """P4, which of several purchases of one day replaces first."""

    TRADE_ORDER = "trade_order"


class SplitInWindow(StrEnum):
    """P5, whether a share after a split is the equal of a share before it."""

    SPLIT_ADJUSTED = "split_adjusted"
    SHARE_FOR_SHARE = "share_for_share"


class OverlappingDays(StrEnum):
    """P6, whether days on which the sold shares and their replacement were both held count twice."""

    COUNT_TWICE = "count_twice"
    COUNT_ONCE = "count_once"


class PartlyAdjustedLot(StrEnum):
    """P7, which shares of a lot that is a replacement in part are its first, and so sold first."""

    REPLACEMENT_FIRST = "replacement_first"
    REPLACEMENT_LAST = "replacement_last"


class SpousePurchase(StrEnum):
    """P8, where a loss goes that a spouse's taxable purchase disallowed."""

    INTO_BASIS = "into_basis"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class Policies:
    """The settings P1–P8; their values say what is done."""

    replacement_held: ReplacementHeld = ReplacementHeld.REQUIRED
    same_order: SameOrder = SameOrder.NEVER_REPLACES
    older_shares: OlderShares = OlderShares.REPLACE
    ties: Ties = Ties.TRADE_ORDER
    split_in_window: SplitInWindow = SplitInWindow.SPLIT_ADJUSTED
    overlapping_days: OverlappingDays = OverlappingDays.COUNT_TWICE
    partly_adjusted_lot: PartlyAdjustedLot = PartlyAdjustedLot.REPLACEMENT_FIRST
    spouse_purchase: SpousePurchase = SpousePurchase.INTO_BASIS

    def described(self) -> Mapping[str, str]:
        """Each setting as reports print it: ``P1 replacement_held`` → its value and what that means."""
        return {
            f"P{number} {field.name}": f"{getattr(self, field.name)}: {_MEANINGS[getattr(self, field.name)]}"
            for number, field in enumerate(fields(self), start=1)
        }


_MEANINGS: Final[Mapping[StrEnum, str]] = {
    ReplacementHeld.REQUIRED: "shares sold before the loss do not replace what is sold at it; "
    "otherwise losses would travel back through closed years",
    SameOrder.NEVER_REPLACES: "shares bought or sold in one order are not replacements of each other "
    "(Rev. Rul. 56-602)",
    SameOrder.REPLACES: "shares that leave later in the same sale order count as replacements until they leave",
    OlderShares.REPLACE: "every purchase of the 61 days replaces, also one before the shares sold were bought "
    "(Reg. 1.1091-1(a))",
    OlderShares.DO_NOT_REPLACE: "only shares bought no earlier than those sold replace them",
    Ties.TRADE_ORDER: "purchases of one day replace in the order of the trades (Reg. 1.1091-1(c), (d))",
    SplitInWindow.SPLIT_ADJUSTED: "shares before and after a split are matched in split-adjusted numbers",
    SplitInWindow.SHARE_FOR_SHARE: "one share replaces one share, whatever split lies between",
    OverlappingDays.COUNT_TWICE: "all days the sold shares were held are added to their replacement's (IRC 1223(3))",
    OverlappingDays.COUNT_ONCE: "days on which both were held are added once",
    PartlyAdjustedLot.REPLACEMENT_FIRST: "the replacement shares of a lot are its first, and first out",
    PartlyAdjustedLot.REPLACEMENT_LAST: "the replacement shares of a lot are its last, and last out",
    SpousePurchase.INTO_BASIS: "the loss is added to the basis of the spouse's shares (IRC 1091(d))",
    SpousePurchase.PERMANENT: "the loss is lost, as with a purchase by an IRA",
}
