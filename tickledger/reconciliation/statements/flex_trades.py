"""Rows of the Flex sections Trades and TradeConfirms: fills, orders, closed lots and wash sales.

IB tells one trade at several levels of detail, as elements of their own (``<Order>``, ``<Lot>``, ``<WashSale>``) or as
``<Trade levelOfDetail="…">``. A fill counts; an order is the sum of its fills and counts only where the query has no
fills.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from tickledger.domain.lot import Term
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.statement import (
    Correction,
    ExecutionLevel,
    StatementClosedLot,
    StatementExecution,
    StatementWashSale,
)
from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.drafts import Drafts

_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
#: What the side of a row says that takes nothing back.
SIDES: Final = {"BUY": OrderSide.BUY, "SELL": OrderSide.SELL}
_CANCELLED: Final = " (Ca.)"
_CANCEL_TYPES: Final = frozenset({"TradeCancel", "FracShareCancel"})
_CORRECT_TYPES: Final = frozenset({"TradeCorrect"})
_TERMS: Final = {"ST": Term.SHORT, "LT": Term.LONG}
_REGULATORY: Final = ("regFINRATradingActivityFee", "regSection31TransactionFee", "regOther")
_SUM_OF_FILLS: Final = "the sum of an order's fills, which are read one by one"
_SUM: Final = "the sum of fills, which are read one by one"
#: What each element stands for where it carries no level of its own.
LEVELS: Final[Mapping[str, str]] = {
    "Trade": "EXECUTION",
    "TradeConfirm": "EXECUTION",
    "Order": "ORDER",
    "Lot": "CLOSED_LOT",
    "WashSale": "WASH_SALE",
    "SymbolSummary": "SYMBOL_SUMMARY",
    "AssetSummary": "ASSET_SUMMARY",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the attributes of a row are called."""

    execution_id: str
    order_id: str
    price: str
    commission: str
    commission_currency: str
    taxes: str
    settles: str
    codes: str


#: Statements and trade confirmations have words of their own, and some queries mix them.
_WORDS: Final = (
    ("ibExecID", "execID"),
    ("ibOrderID", "orderID"),
    ("tradePrice", "price"),
    ("ibCommission", "commission"),
    ("ibCommissionCurrency", "commissionCurrency"),
    ("taxes", "tax"),
    ("settleDateTarget", "settleDate"),
    ("notes", "code"),
)


_IDENTITY: Final = (
    *("symbol", "currency", "tradeID", "transactionID", "orderReference", "origTradeID", "conid", "isin", "cusip"),
    "assetCategory",
)
_CIRCUMSTANCES: Final = ("description", "exchange", "orderType", "openCloseIndicator", "transactionType")


def names_in(attributes: Container[str]) -> Names:
    """The words of a row that has these attributes."""
    # Of a whole query every row has the same words; a list is faster than a generator here.
    return _names(tuple([first in attributes or second not in attributes for first, second in _WORDS]))


@lru_cache(maxsize=1 << 8)
def _names(has_first: tuple[bool, ...]) -> Names:
    chosen = (first if has else second for (first, second), has in zip(_WORDS, has_first, strict=True))
    return Names(*chosen)


def level_of(tag: str, attributes: Mapping[str, str]) -> str:
    """The level of detail of a row; an element that is no Trade is what it is called."""
    own = LEVELS[tag]
    return attributes.get("levelOfDetail") or own if own == "EXECUTION" else own


def read_trade(row: Cells, drafts: Drafts, level: str) -> str:
    """Add a row of trades; the reason where it is left aside, "?" where its level is not known."""
    handler = _HANDLERS.get(level)
    return "?" if handler is None else handler(row, drafts)


def _fill(row: Cells, drafts: Drafts) -> str:
    drafts.executions.append(_execution(row, ExecutionLevel.EXECUTION))
    return ""


def _order(row: Cells, drafts: Drafts) -> str:
    if drafts.executions:
        return _SUM_OF_FILLS
    drafts.orders.append(_execution(row, ExecutionLevel.ORDER))
    return ""


def _execution(row: Cells, level: ExecutionLevel) -> StatementExecution:
    names = names_in(row.values)
    (symbol, currency, trade_id, transaction_id, order_ref, original_trade_id, conid, isin, cusip, asset_class) = (
        row.texts(*_IDENTITY)
    )
    description, exchange, order_type, open_close, transaction_type, execution_id, order_id, commission_currency = (
        row.texts(*_CIRCUMSTANCES, names.execution_id, names.order_id, names.commission_currency)
    )
    codes = row.codes(names.codes)
    side, quantity, is_cancelled = _direction(row)
    correction = correction_of(codes, transaction_type, is_cancelled=is_cancelled)
    _check_sign(row, side, quantity, correction)
    executed = row.moment("dateTime") or row.moment_of("tradeDate", "tradeTime")
    trade_date = row.needed_day("tradeDate", "dateTime", "reportDate")
    return StatementExecution(
        symbol=symbol or row.needed_text("symbol", "a symbol"),
        side=side,
        quantity=abs(quantity),
        price=row.needed_number(names.price),
        currency=currency or row.needed_text("currency", "a currency"),
        executed_on=executed.on if executed is not None else trade_date,
        trade_date=trade_date,
        executed_at=executed.at if executed is not None else None,
        settle_date=row.day(names.settles),
        ib_exec_id=execution_id,
        trade_id=trade_id,
        transaction_id=transaction_id,
        order_id=order_id,
        order_ref=order_ref,
        original_trade_id=original_trade_id,
        conid=conid,
        isin=isin,
        cusip=cusip,
        asset_class=asset_class,
        description=description,
        multiplier=row.number("multiplier") or _ONE,
        proceeds=row.number("proceeds"),
        commission=row.cost(names.commission),
        commission_currency=commission_currency or currency,
        taxes=row.cost(names.taxes),
        basis=row.number("cost"),
        realized=row.number("fifoPnlRealized"),
        fx_rate_to_base=row.number("fxRateToBase"),
        exchange=exchange,
        order_type=order_type,
        open_close=open_close,
        transaction_type=transaction_type,
        codes=codes,
        correction=correction,
        level=level,
        where=row.place.name,
        row=row.row,
    )


def _direction(row: Cells) -> tuple[OrderSide, Decimal, bool]:
    """The side, the quantity as it is written, and whether the side itself says that it takes a fill back."""
    quantity, text = row.needed_number("quantity"), row.text("buySell")
    side = SIDES.get(text.removesuffix(_CANCELLED))
    if side is not None:
        return side, quantity, text.endswith(_CANCELLED)
    if text:
        row.refuse("buySell", "BUY or SELL", text)
    return OrderSide.BUY if quantity >= 0 else OrderSide.SELL, quantity, False


def correction_of(codes: tuple[str, ...], transaction_type: str, *, is_cancelled: bool) -> Correction:
    """What a row does to an earlier one; `is_cancelled` where its side says so."""
    if is_cancelled or "Ca" in codes or transaction_type in _CANCEL_TYPES:
        return Correction.CANCELS
    return Correction.CORRECTS if "Co" in codes or transaction_type in _CORRECT_TYPES else Correction.NONE


def _check_sign(row: Cells, side: OrderSide, quantity: Decimal, correction: Correction) -> None:
    """A purchase is written positive; where it is not, the side is believed. Sales are written either way."""
    if side is OrderSide.BUY and quantity < 0 and correction is not Correction.CANCELS:
        row.note("quantity", "a positive number, as this is a purchase", str(quantity), severity="warning")


def _closed_lot(row: Cells, drafts: Drafts) -> str:
    """IB writes the price and the cost of the opening, and the side of the closing."""
    codes = row.codes("notes")
    closed = row.moment("dateTime") or row.moment_of("tradeDate", "tradeTime") or row.moment("reportDate")
    opened = row.moment("openDateTime")
    basis = row.number("cost")
    drafts.closed_lots.append(
        StatementClosedLot(
            symbol=row.needed_text("symbol", "a symbol"),
            quantity=abs(row.needed_number("quantity")),
            currency=row.needed_text("currency", "a currency"),
            closed_date=row.day("tradeDate") or (closed.on if closed is not None else None),
            closed_at=closed.at if closed is not None else None,
            opened_date=opened.on if opened is not None else None,
            opened_at=opened.at if opened is not None else None,
            holding_start=row.day("holdingPeriodDateTime"),
            is_short=row.text("buySell").startswith("BUY"),
            proceeds=row.number("proceeds"),
            basis=None if basis is None else abs(basis),
            realized=row.number("fifoPnlRealized"),
            term=next((_TERMS[code] for code in codes if code in _TERMS), None),
            opening_price=row.number("tradePrice"),
            conid=row.text("conid"),
            isin=row.text("isin"),
            cusip=row.text("cusip"),
            asset_class=row.text("assetCategory"),
            multiplier=row.number("multiplier") or _ONE,
            ib_exec_id=row.text("ibExecID"),
            trade_id=row.text("tradeID"),
            transaction_id=row.text("transactionID"),
            codes=codes,
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def _wash_sale(row: Cells, drafts: Drafts) -> str:
    """The disallowed loss stands where other rows have their gain; its sign differs between exports."""
    drafts.wash_sales.append(
        StatementWashSale(
            symbol=row.needed_text("symbol", "a symbol"),
            quantity=abs(row.needed_number("quantity")),
            currency=row.needed_text("currency", "a currency"),
            disallowed_loss=abs(row.needed_number("fifoPnlRealized")),
            trade_date=row.day("tradeDate") or row.day("dateTime") or row.day("reportDate"),
            realized_date=row.day("whenRealized"),
            reopened_date=row.day("whenReopened"),
            holding_start=row.day("holdingPeriodDateTime"),
            conid=row.text("conid"),
            asset_class=row.text("assetCategory"),
            trade_id=row.text("tradeID"),
            transaction_id=row.text("transactionID"),
            codes=row.codes("notes"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def read_commission_detail(row: Cells, fees: dict[str, Decimal]) -> str:
    """The regulatory part of a fill's commission, under the fill's trade id."""
    trade_id = row.needed_text("tradeID", "the id of a trade")
    charged = row.number("thirdPartyRegulatoryCharge")
    if charged is None:
        charged = sum((row.number(name) or _ZERO for name in _REGULATORY), _ZERO)
    fees[trade_id] = fees.get(trade_id, _ZERO) - charged
    return ""


_HANDLERS: Final[Mapping[str, Callable[[Cells, Drafts], str]]] = {
    "EXECUTION": _fill,
    "ORDER": _order,
    "CLOSED_LOT": _closed_lot,
    "WASH_SALE": _wash_sale,
    "SYMBOL_SUMMARY": lambda _row, _drafts: _SUM,
    "ASSET_SUMMARY": lambda _row, _drafts: _SUM,
}
