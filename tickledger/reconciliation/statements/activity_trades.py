"""Rows of the activity statement about shares: trades and lots, positions, corporate actions, transfers."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.lot import Term
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.statement import (
    Correction,
    ExecutionLevel,
    StatementClosedLot,
    StatementExecution,
    StatementOpenLot,
    StatementPosition,
    StatementWashSale,
)
from tickledger.reconciliation.statement_cash import StatementCorporateAction, StatementTransfer
from tickledger.reconciliation.statements.activity_facts import Facts, asset_class
from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.flex_holdings import cash_per_share_in, ratio_in
from tickledger.reconciliation.statements.sections import UNKNOWN

_ZERO: Final = Decimal(0)
_TERMS: Final = {"ST": Term.SHORT, "LT": Term.LONG}
_SUM_OF_FILLS: Final = "the sum of an order's fills, which are read one by one"
_CATEGORY: Final = "Asset Category"
_TIME: Final = "Date/Time"
_REALIZED: Final = "Realized P/L"


@dataclass(slots=True)
class TradeRows:
    """Reads the section Trades, whose lots belong to the trade above them."""

    facts: Facts
    above: StatementExecution | None = None

    def read(self, row: Cells, drafts: Drafts) -> str:
        """A trade, an order, or a lot that the trade above closed."""
        match row.text("DataDiscriminator"):
            case "Trade" | "Execution":
                self._trade(row, drafts, ExecutionLevel.EXECUTION)
            case "Order" if self.facts.has_fills:
                return _SUM_OF_FILLS
            case "Order":
                self._trade(row, drafts, ExecutionLevel.ORDER)
            case "ClosedLot":
                drafts.closed_lots.append(self._closed_lot(row))
            case "WashSale":
                drafts.wash_sales.append(_wash_sale(row, self.facts, self.above))
            case _:
                return UNKNOWN
        return ""

    def _trade(self, row: Cells, drafts: Drafts, level: ExecutionLevel) -> None:
        self.above = None
        self.above = _execution(row, drafts, self.facts, level)
        drafts.executions.append(self.above)

    def _closed_lot(self, row: Cells) -> StatementClosedLot:
        codes, opened, closing = row.codes("Code"), row.moment(_TIME), self.above
        if closing is None:
            row.refuse("DataDiscriminator", "a trade above, which closes the lot", "none")
        symbol, basis = row.needed_text("Symbol", "a symbol"), row.number("Basis")
        instrument = self.facts.instrument(row.text(_CATEGORY), symbol)
        return StatementClosedLot(
            symbol=symbol,
            quantity=abs(row.needed_number("Quantity")),
            currency=row.needed_text("Currency", "a currency"),
            closed_date=closing.trade_date,
            closed_at=closing.executed_at,
            opened_date=opened.on if opened is not None else None,
            opened_at=opened.at if opened is not None else None,
            is_short=closing.side is OrderSide.BUY,
            basis=None if basis is None else abs(basis),
            realized=row.number(_REALIZED),
            term=next((_TERMS[code] for code in codes if code in _TERMS), None),
            opening_price=row.number("T. Price"),
            conid=instrument.conid,
            isin=instrument.isin,
            cusip=instrument.cusip,
            asset_class=asset_class(row.text(_CATEGORY)),
            multiplier=instrument.multiplier,
            codes=codes,
            where=row.place.name,
            row=row.row,
        )


def _execution(row: Cells, drafts: Drafts, facts: Facts, level: ExecutionLevel) -> StatementExecution:
    quantity, codes = row.needed_number("Quantity"), row.codes("Code")
    is_cancelled = "Ca" in codes
    symbol, category = row.needed_text("Symbol", "a symbol"), row.text(_CATEGORY)
    instrument, currency = facts.instrument(category, symbol), row.needed_text("Currency", "a currency")
    executed = row.moment(_TIME)
    trade_date = row.needed_day(_TIME)
    commission, commission_currency = _commission(row, currency, drafts.base_currency)
    return StatementExecution(
        symbol=symbol,
        side=OrderSide.SELL if (quantity < 0) is not is_cancelled else OrderSide.BUY,
        quantity=abs(quantity),
        price=row.needed_number("T. Price"),
        currency=currency,
        executed_on=trade_date,
        trade_date=trade_date,
        executed_at=executed.at if executed is not None else None,
        conid=instrument.conid,
        isin=instrument.isin,
        cusip=instrument.cusip,
        asset_class=asset_class(category),
        multiplier=instrument.multiplier,
        proceeds=row.number("Proceeds"),
        commission=commission,
        commission_currency=commission_currency,
        basis=row.number("Basis"),
        realized=row.number(_REALIZED),
        open_close=";".join(code for code in ("C", "O") if code in codes),
        codes=codes,
        correction=Correction.CANCELS if is_cancelled else Correction.CORRECTS if "Co" in codes else Correction.NONE,
        level=level,
        where=row.place.name,
        row=row.row,
    )


def _commission(row: Cells, currency: str, base_currency: str) -> tuple[Decimal | None, str]:
    """Of forex the commission stands in the base currency, which the column's name tells."""
    for column in row.values:
        if column.startswith("Comm in "):
            return row.cost(column), column.removeprefix("Comm in ").strip() or base_currency
    return row.cost("Comm/Fee"), currency


def _wash_sale(row: Cells, facts: Facts, above: StatementExecution | None) -> StatementWashSale:
    symbol = row.needed_text("Symbol", "a symbol")
    return StatementWashSale(
        symbol=symbol,
        quantity=abs(row.needed_number("Quantity")),
        currency=row.needed_text("Currency", "a currency"),
        disallowed_loss=abs(row.needed_number(_REALIZED)),
        trade_date=above.trade_date if above is not None else None,
        reopened_date=row.day(_TIME),
        conid=facts.instrument(row.text(_CATEGORY), symbol).conid,
        asset_class=asset_class(row.text(_CATEGORY)),
        codes=row.codes("Code"),
        where=row.place.name,
        row=row.row,
    )


@dataclass(frozen=True, slots=True)
class PositionRows:
    """Reads the section Open Positions."""

    facts: Facts

    def read(self, row: Cells, drafts: Drafts) -> str:
        """A position, or one of its lots."""
        match row.text("DataDiscriminator"):
            case "Summary" | "":
                drafts.positions.append(self._position(row, drafts))
            case "Lot":
                drafts.open_lots.append(self._lot(row, drafts))
            case _:
                return UNKNOWN
        return ""

    def _position(self, row: Cells, drafts: Drafts) -> StatementPosition:
        symbol, category = row.needed_text("Symbol", "a symbol"), row.text(_CATEGORY)
        instrument = self.facts.instrument(category, symbol)
        return StatementPosition(
            symbol=symbol,
            quantity=row.needed_number("Quantity"),
            currency=row.needed_text("Currency", "a currency"),
            as_of=drafts.end_date,
            conid=instrument.conid,
            isin=instrument.isin,
            cusip=instrument.cusip,
            asset_class=asset_class(category),
            multiplier=row.number("Mult") or instrument.multiplier,
            mark_price=row.number("Close Price"),
            value=row.number("Value"),
            cost_basis=row.number("Cost Basis"),
            cost_price=row.number("Cost Price"),
            unrealized=row.number("Unrealized P/L"),
            where=row.place.name,
            row=row.row,
        )

    def _lot(self, row: Cells, drafts: Drafts) -> StatementOpenLot:
        symbol, category, opened = row.needed_text("Symbol", "a symbol"), row.text(_CATEGORY), row.moment("Open")
        return StatementOpenLot(
            symbol=symbol,
            quantity=row.needed_number("Quantity"),
            currency=row.needed_text("Currency", "a currency"),
            as_of=drafts.end_date,
            opened_date=opened.on if opened is not None else None,
            opened_at=opened.at if opened is not None else None,
            conid=self.facts.instrument(category, symbol).conid,
            asset_class=asset_class(category),
            mark_price=row.number("Close Price"),
            value=row.number("Value"),
            cost_basis=row.number("Cost Basis"),
            cost_price=row.number("Cost Price"),
            unrealized=row.number("Unrealized P/L"),
            codes=row.codes("Code"),
            where=row.place.name,
            row=row.row,
        )


def read_corporate_action(row: Cells, drafts: Drafts) -> str:
    """One line of an event; the symbol stands in its description."""
    description = row.needed_text("Description", "what happened")
    effective, (ratio, words) = row.moment(_TIME), ratio_in(description)
    symbol, isin = named_security(description)
    drafts.corporate_actions.append(
        StatementCorporateAction(
            symbol=symbol or row.refuse("Description", "a symbol", description),
            currency=row.needed_text("Currency", "a currency"),
            description=description,
            quantity=row.needed_number("Quantity"),
            report_date=row.needed_day("Report Date", _TIME),
            effective_at=effective.at if effective is not None else None,
            effective_date=effective.on if effective is not None else None,
            ratio=ratio,
            ratio_text=words,
            cash_per_share=cash_per_share_in(description),
            proceeds=row.number("Proceeds"),
            value=row.number("Value"),
            realized=row.number(_REALIZED),
            isin=isin,
            asset_class=asset_class(row.text(_CATEGORY)),
            codes=row.codes("Code"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def named_security(description: str) -> tuple[str, str]:
    """The security whose shares come or go: the one in the last parentheses, or the one that the text begins with.

    ``UUU(CA91701P1053) Tendered to CA91701P1TN3 1 FOR 1 (UUU.TEN2, URANIUM ONE INC, CA91701P1TN3)`` is about UUU.TEN2.
    """
    body, opening, tail = description.rpartition("(")
    parts = [part.strip() for part in tail.removesuffix(")").split(",")]
    if opening and body and len(parts) > 1 and description.endswith(")"):
        return parts[0], parts[-1]
    symbol, opening, rest = description.partition("(")
    return (symbol.strip(), rest.partition(")")[0]) if opening else ("", "")


def read_transfer(row: Cells, drafts: Drafts) -> str:
    """Shares or cash between accounts."""
    sign = -1 if row.text("Direction").upper() == "OUT" else 1
    value = row.number("Market Value")
    drafts.transfers.append(
        StatementTransfer(
            type_text=row.text("Type"),
            transfer_date=row.needed_day("Date"),
            currency=row.needed_text("Currency", "a currency"),
            symbol=row.text("Symbol"),
            quantity=sign * abs(row.number("Qty") or _ZERO),
            price=row.number("Xfer Price"),
            value=None if value is None else sign * abs(value),
            cash=row.number("Cash Amount"),
            other_party=row.text("Xfer Company"),
            other_account=row.text("Xfer Account"),
            codes=row.codes("Code"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""
