"""Tax lots and what becomes of them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from tickledger.domain.instrument import AssetClass


class Term(StrEnum):
    """How long a disposed lot was held, as the forms tell it apart (IRC 1222)."""

    SHORT = "S"
    LONG = "L"


class ClosedBy(StrEnum):
    """What ended the holding of a disposed lot; the forms print "Expired" for an option that ran out."""

    TRADE = "trade"
    EXPIRY = "expiry"
    CORPORATE_ACTION = "corporate_action"


@dataclass(frozen=True, slots=True)
class Lot:
    """Shares of one acquisition that share one basis and one holding period.

    Negative `quantity` is a short whose basis columns hold the net proceeds, positive. `acquired_date` is
    the actual trade date, `holding_start` the date after tacking under IRC 1223(3). Money is the whole
    lot's, USD.
    """

    lot_id: str
    open_execution_id: str
    account_id: str
    symbol: str
    quantity: Decimal
    acquired_date: date
    holding_start: date
    original_basis: Decimal
    adjusted_basis: Decimal
    asset_class: AssetClass = AssetClass.STOCK


@dataclass(frozen=True, slots=True)
class RealizedGain:
    """One row of gains.csv: a disposition of one lot. gain_loss = proceeds − basis + disallowed_loss.

    `disallowed_loss` is positive; `permanently_disallowed` is the part of it that no lot will ever carry.
    `lot_id` names the lot as it was just before it was disposed of. `is_provisional` marks a sale whose
    61-day window was still open on the last day of the data; it may change until `open_until_date`.
    A gain that a corporate action caused (cash in lieu, a return of capital above basis, cash for shares)
    carries its `corporate_action_id` and is closed by ``CA:symbol:ex_date``; its `quantity` is the shares
    that were paid for or paid on. `is_short` marks a short sale closed by delivery; its `acquired_date` is when the
    delivered shares were bought. `policies` names the unsettled points (``P1``…``P8``) that the row depends on.
    """

    gain_id: str
    close_execution_id: str
    open_execution_id: str
    lot_id: str
    account_id: str
    symbol: str
    quantity: Decimal
    acquired_date: date
    holding_start: date
    sold_date: date
    proceeds: Decimal
    basis: Decimal
    adjustment_code: str
    disallowed_loss: Decimal
    gain_loss: Decimal
    term: Term
    permanently_disallowed: Decimal
    tax_year: int
    is_provisional: bool = False
    open_until_date: date | None = None
    asset_class: AssetClass = AssetClass.STOCK
    is_short: bool = False
    corporate_action_id: str | None = None
    closed_by: ClosedBy = ClosedBy.TRADE
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WashSale:
    """One replacement of shares sold at a loss. `rule` names the authority that was applied.

    `replacement_lot_id` names the lot that carries the amount in its basis, as it was from then on: None where the
    loss is lost for good, or where a later sale took over the loss of a short.
    """

    wash_sale_id: str
    gain_id: str
    replacement_execution_id: str
    quantity: Decimal
    disallowed_loss: Decimal
    is_permanent: bool
    rule: str
    replacement_lot_id: str | None = None
