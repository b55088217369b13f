"""Rows of the Flex sections about holdings: positions, lots, corporate actions, transfers."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickledger.reconciliation.statement import StatementOpenLot, StatementPosition
from tickledger.reconciliation.statement_cash import StatementCorporateAction, StatementTransfer
from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.numbers import a_number

_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
_RATIO: Final = re.compile(r"(\d{1,9}(?:\.\d{1,12})?) FOR (\d{1,9}(?:\.\d{1,12})?)\b", re.IGNORECASE | re.ASCII)
_PER_SHARE: Final = re.compile(r"\bFOR [A-Z]{3} (\d[\d,]*(?:\.\d+)?) PER SHARE", re.IGNORECASE)
_OUTWARD: Final = frozenset({"OUT", "TO"})


def read_position(row: Cells, drafts: Drafts) -> str:
    """A position, or one of its lots."""
    level = row.text("levelOfDetail") or ("LOT" if row.text("openDateTime") else "SUMMARY")
    if level == "SUMMARY":
        drafts.positions.append(_position(row))
    elif level == "LOT":
        drafts.open_lots.append(_open_lot(row))
    else:
        return "?"
    return ""


def _position(row: Cells) -> StatementPosition:
    return StatementPosition(
        symbol=row.needed_text("symbol", "a symbol"),
        quantity=row.needed_number("position"),
        currency=row.needed_text("currency", "a currency"),
        as_of=row.day("reportDate"),
        conid=row.text("conid"),
        isin=row.text("isin"),
        cusip=row.text("cusip"),
        asset_class=row.text("assetCategory"),
        description=row.text("description"),
        multiplier=row.number("multiplier") or _ONE,
        mark_price=row.number("markPrice"),
        value=row.number("positionValue"),
        cost_basis=row.number("costBasisMoney"),
        cost_price=row.number("costBasisPrice"),
        unrealized=row.number("fifoPnlUnrealized"),
        fx_rate_to_base=row.number("fxRateToBase"),
        where=row.place.name,
        row=row.row,
    )


def _open_lot(row: Cells) -> StatementOpenLot:
    opened = row.moment("openDateTime")
    return StatementOpenLot(
        symbol=row.needed_text("symbol", "a symbol"),
        quantity=row.needed_number("position"),
        currency=row.needed_text("currency", "a currency"),
        as_of=row.day("reportDate"),
        opened_date=opened.on if opened is not None else None,
        opened_at=opened.at if opened is not None else None,
        holding_start=row.day("holdingPeriodDateTime"),
        conid=row.text("conid"),
        asset_class=row.text("assetCategory"),
        mark_price=row.number("markPrice"),
        value=row.number("positionValue"),
        cost_basis=row.number("costBasisMoney"),
        cost_price=row.number("costBasisPrice"),
        unrealized=row.number("fifoPnlUnrealized"),
        order_id=row.text("originatingOrderID"),
        transaction_id=row.text("originatingTransactionID"),
        codes=row.codes("code"),
        where=row.place.name,
        row=row.row,
    )


def read_corporate_action(row: Cells, drafts: Drafts) -> str:
    """One line of an event."""
    description = row.text("description") or row.text("actionDescription")
    effective, (ratio, words) = row.moment("dateTime"), ratio_in(description)
    drafts.corporate_actions.append(
        StatementCorporateAction(
            symbol=row.needed_text("symbol", "a symbol"),
            currency=row.needed_text("currency", "a currency"),
            description=description,
            quantity=row.needed_number("quantity"),
            report_date=row.needed_day("reportDate", "dateTime"),
            effective_at=effective.at if effective is not None else None,
            effective_date=effective.on if effective is not None else None,
            type_code=row.text("type"),
            ratio=ratio,
            ratio_text=words,
            cash_per_share=cash_per_share_in(description),
            proceeds=row.number("proceeds"),
            value=row.number("value"),
            realized=row.number("fifoPnlRealized"),
            conid=row.text("conid"),
            isin=row.text("isin"),
            cusip=row.text("cusip"),
            asset_class=row.text("assetCategory"),
            action_id=row.text("actionID"),
            transaction_id=row.text("transactionID"),
            fx_rate_to_base=row.number("fxRateToBase"),
            codes=row.codes("code"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def ratio_in(description: str) -> tuple[Fraction | None, str]:
    """New shares per old one, and the words that say so: ``SPLIT 1 FOR 25`` gives a 25th."""
    found = _RATIO.search(description)
    if found is None or not Fraction(found[2]):
        return None, ""
    return Fraction(found[1]) / Fraction(found[2]), found[0]


def cash_per_share_in(description: str) -> Decimal | None:
    """The cash that an offer or a merger pays: ``FOR USD 30.60000000 PER SHARE``."""
    found = _PER_SHARE.search(description)
    try:
        return None if found is None else a_number(found[1])
    except ValueError:
        return None


def read_transfer(row: Cells, drafts: Drafts) -> str:
    """Shares or cash between accounts."""
    sign = -1 if row.text("direction").upper() in _OUTWARD else 1
    quantity, cash, value = row.number("quantity"), row.number("cashTransfer"), row.number("positionAmount")
    drafts.transfers.append(
        StatementTransfer(
            type_text=row.text("type"),
            transfer_date=row.needed_day("date", "dateTime", "reportDate"),
            currency=row.needed_text("currency", "a currency"),
            symbol=row.text("symbol"),
            conid=row.text("conid"),
            quantity=sign * abs(quantity or _ZERO),
            price=row.number("transferPrice"),
            value=None if value is None else sign * abs(value),
            cash=cash,
            other_party=row.text("company"),
            other_account=row.text("account"),
            transaction_id=row.text("transactionID"),
            description=row.text("description"),
            codes=row.codes("code"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def read_trade_transfer(row: Cells, drafts: Drafts) -> str:
    """Shares of a trade that was made at another broker and is settled here."""
    sign = -1 if row.text("direction").upper() in _OUTWARD else 1
    drafts.transfers.append(
        StatementTransfer(
            type_text=row.text("transactionType") or "trade transfer",
            transfer_date=row.needed_day("tradeDate", "reportDate"),
            currency=row.needed_text("currency", "a currency"),
            symbol=row.text("symbol"),
            conid=row.text("conid"),
            quantity=sign * abs(row.needed_number("quantity")),
            price=row.number("tradePrice"),
            value=row.number("tradeMoney"),
            cash=row.number("netCash"),
            other_party=row.text("brokerName"),
            other_account=row.text("brokerAccount"),
            transaction_id=row.text("transactionID") or row.text("tradeID"),
            description=row.text("description"),
            codes=row.codes("notes"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""
