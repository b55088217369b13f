"""What an order would do to losses under IRC 1091, as plain values: the tax engine makes them, risk judges them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class WashSalePolicy(StrEnum):
    """What becomes of an order that would disallow a loss."""

    ALLOW = "allow"
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class RecentLoss:
    """A loss whose window a hypothetical fill falls in, and how much more of it would be disallowed, USD.

    `close_execution_id` is the sale that realized it (the hypothetical fill itself where that is the sale);
    `open_until_date` is the last day on which a purchase still replaces the shares. `permanently_disallowed` is the
    part of `disallowed_loss` that no lot would carry.
    """

    close_execution_id: str
    account_id: str
    symbol: str
    sold_date: date
    disallowed_loss: Decimal
    permanently_disallowed: Decimal
    open_until_date: date


@dataclass(frozen=True, slots=True)
class OpenReplacementLot:
    """Shares that would take a disallowed loss into their basis; `rule` names the authority.

    `lot_id` is None where the loss is lost for good: then no lot carries it.
    """

    execution_id: str
    lot_id: str | None
    close_execution_id: str
    quantity: Decimal
    disallowed_loss: Decimal
    is_permanent: bool
    rule: str


@dataclass(frozen=True, slots=True)
class WashSaleEffect:
    """What a fill would change in disallowed losses, USD; `disallowed_loss` is the total, never below zero.

    `problem` says why the dollars are not known; they are zero then, and mean nothing.
    """

    disallowed_loss: Decimal = Decimal(0)
    permanently_disallowed: Decimal = Decimal(0)
    losses: tuple[RecentLoss, ...] = ()
    replacements: tuple[OpenReplacementLot, ...] = ()
    problem: str = ""
