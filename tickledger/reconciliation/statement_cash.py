"""Cash and everything else that moves without a trade, as a statement tells it; signs as in `statement`."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction


class StatementCashKind(StrEnum):
    """Why cash moved, as far as a broker's words tell it."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DIVIDEND = "dividend"
    PAYMENT_IN_LIEU = "payment in lieu of a dividend"
    RETURN_OF_CAPITAL = "return of capital"
    WITHHOLDING = "withholding tax"
    INTEREST_RECEIVED = "interest received"
    INTEREST_PAID = "interest paid"
    FEE = "fee"
    SALES_TAX = "sales tax"
    TRANSACTION_TAX = "transaction tax"
    COMMISSION_ADJUSTMENT = "commission adjustment"
    CASH_MERGER = "cash for shares"
    FX = "currency conversion"
    TRANSFER = "transfer"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCash:
    """Cash in (positive) or out (negative). `type_text` is the broker's own word for the kind."""

    kind: StatementCashKind
    amount: Decimal
    currency: str
    cash_date: date
    cash_at: datetime | None = None
    report_date: date | None = None
    settle_date: date | None = None
    symbol: str = ""
    conid: str = ""
    isin: str = ""
    description: str = ""
    type_text: str = ""
    transaction_id: str = ""
    action_id: str = ""
    trade_id: str = ""
    fx_rate_to_base: Decimal | None = None
    codes: tuple[str, ...] = ()
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Amount:
    """One line of a roll-forward, in the broker's own word."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CashBalance:
    """Cash of one currency over a period: `starting` plus all `items` is `ending`.

    `is_base_summary` marks the sum over all currencies, in the base currency.
    """

    currency: str
    start_date: date | None
    end_date: date | None
    starting: Decimal | None = None
    ending: Decimal | None = None
    ending_settled: Decimal | None = None
    items: tuple[Amount, ...] = ()
    is_base_summary: bool = False
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetAssetValue:
    """What an account is worth at the end of a day, in base currency: `total` is the sum of `items`."""

    as_of: date | None
    currency: str = ""
    total: Decimal | None = None
    items: tuple[Amount, ...] = ()
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NavChange:
    """Net asset value over a period, in base currency: `starting` plus all `items` is `ending`.

    `time_weighted_return_pct` is the broker's own figure.
    """

    start_date: date | None
    end_date: date | None
    starting: Decimal | None = None
    ending: Decimal | None = None
    items: tuple[Amount, ...] = ()
    time_weighted_return_pct: Decimal | None = None
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCorporateAction:
    """One line of an event: shares that come or go (`quantity`) and cash (`proceeds`) of one security.

    An event of several securities has several lines with one `action_id`. `type_code` is IB's two letters (FS, RS, SO,
    TC …); `ratio` new shares per old one as the description tells it, `ratio_text` its words.
    """

    symbol: str
    currency: str
    description: str
    quantity: Decimal
    report_date: date
    effective_at: datetime | None = None
    effective_date: date | None = None
    type_code: str = ""
    ratio: Fraction | None = None
    ratio_text: str = ""
    cash_per_share: Decimal | None = None
    proceeds: Decimal | None = None
    value: Decimal | None = None
    realized: Decimal | None = None
    conid: str = ""
    isin: str = ""
    cusip: str = ""
    asset_class: str = ""
    action_id: str = ""
    transaction_id: str = ""
    fx_rate_to_base: Decimal | None = None
    codes: tuple[str, ...] = ()
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTransfer:
    """Shares or cash that came from another account or went to one; an outgoing one is negative."""

    type_text: str
    transfer_date: date
    currency: str
    symbol: str = ""
    conid: str = ""
    quantity: Decimal = Decimal(0)
    price: Decimal | None = None
    value: Decimal | None = None
    cash: Decimal | None = None
    other_party: str = ""
    other_account: str = ""
    transaction_id: str = ""
    description: str = ""
    codes: tuple[str, ...] = ()
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate:
    """Units of `to_currency` for one unit of `from_currency` on a day."""

    rate_date: date
    from_currency: str
    to_currency: str
    rate: Decimal
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)
