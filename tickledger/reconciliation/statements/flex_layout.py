"""The places of a Flex file: what is read, and what is left aside for which reason. Everything else counts as unknown.

The names are IB's own, misspellings included.
"""

from collections.abc import Container, Mapping
from typing import Final

_ACCRUED: Final = "accrued and not paid yet; what is paid is among the cash transactions"
_COMPUTED: Final = "computed by the broker from what is read"
_INSTRUMENT: Final = "describes the instrument, which its conid identifies"
_LOANS: Final = "lending of shares; its interest is among the cash transactions"
_PERSONAL: Final = "personal data, which nothing here needs"
_ROUTING: Final = "how the order was routed"
_ELSEWHERE: Final = "told by executions, cash transactions and balances as well"
_SEGMENT: Final = "the part of one segment of the account; the sum is read"
_PART: Final = "a part of a line that is read"
_MODEL: Final = "the broker's own partition of an account"
_MARKED: Final = "performance marked to market, computed by the broker"
_PRIOR: Final = "what an earlier statement says of the end of its period"
_PHYSICAL: Final = "of physical metals"

#: The elements around the statements.
ENVELOPE: Final = frozenset({"FlexQueryResponse", "FlexStatements", "FlexStatement"})

#: Elements without attributes that hold rows; the reason where their rows are left aside.
CONTAINERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("Trades", "TradeConfirms", "OpenPositions", "CorporateActions", "CashTransactions", "CashReport"),
            *("Transfers", "TradeTransfers", "SalesTaxes", "TransactionTaxes", "DebitCardActivities"),
            *("EquitySummaryInBase", "EquitySummaryByReportDateInBase", "ChangeInNAV", "ConversionRates"),
            "UnbundledCommissionDetails",
        ),
        "",
    ),
    "FxTransactions": "forex results in the base currency; only the base currency itself is read",
    "StmtFunds": _ELSEWHERE,
    "OptionEAE": "exercises, assignments and expiries are executions of the type BookTrade",
    "PendingExcercises": "not happened yet",
    "UnsettledTransfers": "not happened yet",
    "UnbookedTrades": "not booked yet",
    "ComplexPositions": "positions again, by strategy",
    "NetStockPositionSummary": "positions again, net of shares lent",
    "FxPositions": "lots of currencies; balances are read from the cash report",
    "FxLots": "lots of currencies; balances are read from the cash report",
    "PriorPeriodPositions": _PRIOR,
    "MTMPerformanceSummaryInBase": _MARKED,
    "MTDYTDPerformanceSummary": _MARKED,
    "FIFOPerformanceSummaryInBase": "gains summed by symbol; closed lots and executions tell them one by one",
    "ChangeInPositionValues": _COMPUTED,
    "FdicInsuredDepositsByBank": "where the broker keeps the cash",
    "InterestAccruals": _ACCRUED,
    "TierInterestDetails": _ACCRUED,
    "HardToBorrowDetails": _LOANS,
    "HardToBorrowMarkupDetails": _LOANS,
    "SLBOpenContracts": _LOANS,
    "SLBActivities": _LOANS,
    "SLBFees": _LOANS,
    "SLBCollaterals": _LOANS,
    "ChangeInDividendAccruals": _ACCRUED,
    "OpenDividendAccruals": _ACCRUED,
    "IncentiveCouponAccrualDetails": _ACCRUED,
    "SecuritiesInfo": _INSTRUMENT,
    "ClientFees": "among the cash transactions as advisor fees",
    "ClientFeesDetail": "among the cash transactions as advisor fees",
    "RoutingCommissions": _ROUTING,
    "CommissionCredits": "among the cash transactions as commission adjustments",
    "SoftDollars": "credits for research, which are no cash",
    "CFDCharges": "contracts for difference are not held by US residents",
    "IBGNoteTransactions": "notes of the broker itself",
    "Adjustments": "among the cash transactions as adjustments",
    "StockGrantActivities": "grants of the broker's own shares",
    "HKIPOSubscriptionActivity": "subscriptions in Hong Kong",
    "HKIPOOpenSubscriptions": "subscriptions in Hong Kong",
    "DepositsOnHold": "available later; the deposit is among the cash transactions",
}

#: Rows that are left aside although they may stand outside a container that is.
IGNORED_ROWS: Final[Mapping[str, str]] = {
    "TransferLot": "lots of a transfer; they are among the open lots afterwards",
    "SecurityInfo": _INSTRUMENT,
    "StatementOfFundsLine": _ELSEWHERE,
    "ChangeInPositionValue": _COMPUTED,
    "FxLot": CONTAINERS["FxPositions"],
    "FxTransaction": CONTAINERS["FxTransactions"],
    "OptionEAE": CONTAINERS["OptionEAE"],
    "PriorPeriodPosition": _PRIOR,
    "UnsettledTransfer": CONTAINERS["UnsettledTransfers"],
    "InterestAccrualsCurrency": _ACCRUED,
    "ChangeInDividendAccrual": _ACCRUED,
    "OpenDividendAccrual": _ACCRUED,
    "SLBActivity": _LOANS,
    "SLBFee": _LOANS,
    "ClientFee": CONTAINERS["ClientFees"],
    "MTMPerformanceSummaryUnderlying": _MARKED,
    "FIFOPerformanceSummaryUnderlying": CONTAINERS["FIFOPerformanceSummaryInBase"],
}

_IDENTITY: Final = frozenset({"accountId", "acctAlias"})
_TRADE: Final = _IDENTITY | {
    *("symbol", "conid", "isin", "cusip", "assetCategory", "description", "multiplier", "currency", "fxRateToBase"),
    *("tradeID", "transactionID", "ibExecID", "ibOrderID", "orderReference", "origTradeID", "reportDate", "tradeDate"),
    *("tradeTime", "dateTime", "settleDateTarget", "transactionType", "exchange", "quantity", "tradePrice", "proceeds"),
    *("taxes", "ibCommission", "ibCommissionCurrency", "openCloseIndicator", "notes", "cost", "fifoPnlRealized"),
    *("buySell", "orderType", "levelOfDetail", "openDateTime", "holdingPeriodDateTime", "whenRealized", "whenReopened"),
    # As trade confirmations call them.
    *("execID", "orderID", "price", "commission", "commissionCurrency", "tax", "settleDate", "code"),
}
_POSITION: Final = _IDENTITY | {
    *("symbol", "conid", "isin", "cusip", "assetCategory", "description", "multiplier", "currency", "fxRateToBase"),
    *("reportDate", "position", "markPrice", "positionValue", "costBasisMoney", "costBasisPrice", "fifoPnlUnrealized"),
    *(
        "levelOfDetail",
        "openDateTime",
        "holdingPeriodDateTime",
        "originatingOrderID",
        "originatingTransactionID",
        "code",
    ),
}
_CORPORATE_ACTION: Final = _IDENTITY | {
    *("symbol", "conid", "isin", "cusip", "assetCategory", "description", "actionDescription", "currency"),
    *("fxRateToBase", "reportDate", "dateTime", "quantity", "proceeds", "value", "fifoPnlRealized", "type", "actionID"),
    *("transactionID", "code"),
}
_CASH: Final = _IDENTITY | {
    *("symbol", "conid", "isin", "description", "currency", "fxRateToBase", "dateTime", "settleDate", "reportDate"),
    *("amount", "type", "tradeID", "transactionID", "actionID", "code", "levelOfDetail"),
}
_TRANSFER: Final = _IDENTITY | {
    *("symbol", "conid", "description", "currency", "date", "dateTime", "reportDate", "type", "direction", "quantity"),
    *("transferPrice", "positionAmount", "cashTransfer", "company", "account", "transactionID", "code"),
}
_TRADE_TRANSFER: Final = _IDENTITY | {
    *(
        "symbol",
        "conid",
        "description",
        "currency",
        "tradeDate",
        "reportDate",
        "transactionType",
        "direction",
        "quantity",
    ),
    *("tradePrice", "tradeMoney", "netCash", "brokerName", "brokerAccount", "transactionID", "tradeID", "notes"),
}
_SALES_TAX: Final = _IDENTITY | {
    *("currency", "fxRateToBase", "date", "taxType", "taxableDescription", "salesTax", "transactionID", "code"),
}
_TRANSACTION_TAX: Final = _IDENTITY | {
    *("symbol", "conid", "isin", "currency", "fxRateToBase", "date", "reportDate", "taxDescription", "taxAmount"),
    *("tradeId", "source", "code"),
}
_DEBIT_CARD: Final = _IDENTITY | {
    *("currency", "postingDate", "reportDate", "amount", "merchantNameLocation", "status"),
}
CASH_REPORT_NAMES: Final = _IDENTITY | {
    *("currency", "fromDate", "toDate", "startingCash", "endingCash", "endingSettledCash"),
}
NAV_CHANGE_NAMES: Final = _IDENTITY | {"fromDate", "toDate", "startingValue", "endingValue", "twr", "currency"}
NAV_NAMES: Final = _IDENTITY | {"reportDate", "total", "currency"}
_FEES: Final = _IDENTITY | {
    *("tradeID", "thirdPartyRegulatoryCharge", "regFINRATradingActivityFee", "regSection31TransactionFee", "regOther"),
}

#: The attributes that are read of each row that is.
READ: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("Trade", "TradeConfirm", "Order", "Lot", "WashSale"), _TRADE),
    "OpenPosition": _POSITION,
    "CorporateAction": _CORPORATE_ACTION,
    "CashTransaction": _CASH,
    "Transfer": _TRANSFER,
    "TradeTransfer": _TRADE_TRANSFER,
    "SalesTax": _SALES_TAX,
    "TransactionTax": _TRANSACTION_TAX,
    "DebitCardActivity": _DEBIT_CARD,
    "ConversionRate": frozenset({"reportDate", "fromCurrency", "toCurrency", "rate"}),
    "UnbundledCommissionDetail": _FEES,
    "AccountInformation": _IDENTITY | {"currency"},
    "FlexStatement": frozenset({"accountId", "acctAlias", "fromDate", "toDate", "whenGenerated"}),
}

_REASONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *(
                "securityID",
                "securityIDType",
                "sedol",
                "figi",
                "listingExchange",
                "underlyingConid",
                "underlyingSymbol",
            ),
            *("underlyingSecurityID", "underlyingListingExchange", "issuer", "issuerCountryCode", "strike", "expiry"),
            *(
                "putCall",
                "principalAdjustFactor",
                "subCategory",
                "multiplier",
                "assetCategory",
                "description",
                "symbol",
            ),
            *("conid", "isin", "cusip"),
        ),
        _INSTRUMENT,
    ),
    **dict.fromkeys(("serialNumber", "deliveryType", "commodityType", "fineness", "weight"), _PHYSICAL),
    "model": _MODEL,
    "fxRateToBase": "the rate of the day, which the section of rates has",
    **dict.fromkeys(
        (
            *(
                "mtmPnl",
                "fxPnl",
                "closePrice",
                "tradeMoney",
                "netCash",
                "changeInPrice",
                "changeInQuantity",
                "openPrice",
            ),
            *(
                "percentOfNAV",
                "side",
                "netTradeMoney",
                "netTradeMoneyInBase",
                "netTradePrice",
                "taxableAmount",
                "taxRate",
            ),
            *(
                "positionAmountInBase",
                "pnlAmount",
                "pnlAmountInBase",
                "realizedPL",
                "initialInvestment",
                "netCashInBase",
            ),
            *("capitalGainsPnl", "markPrice", "amount", "proceedsInBase", "markPriceInBase"),
        ),
        _COMPUTED,
    ),
    **dict.fromkeys(
        (
            *("clearingFirmID", "brokerageOrderID", "exchOrderId", "extExecID", "volatilityOrderLink", "traderID"),
            *("isAPIOrder", "orderTime", "orderPlacementTime", "rtn", "allocatedTo", "clientReference", "rfqID"),
            *("positionActionID", "exchangeOrderID", "timeInForce"),
        ),
        _ROUTING,
    ),
    **dict.fromkeys(
        (
            "origTradePrice",
            "origTradeDate",
            "origOrderID",
            "origTransactionID",
            "relatedTradeID",
            "relatedTransactionID",
        ),
        "the trade that is corrected, which the id of the original trade names",
    ),
    **dict.fromkeys(("accruedInt", "vestingDate", "availableForTradingDate", "principal"), "not of shares"),
    **dict.fromkeys(
        ("fromAcct", "toAcct", "accountName", "deliveredReceived", "deliveringBroker"), "who is on the other side"
    ),
    **dict.fromkeys(
        (
            "awayBrokerCommission",
            "regulatoryFee",
            "brokerExecutionCommission",
            "brokerClearingCommission",
            "otherCommission",
        ),
        "a part of the commission",
    ),
    **dict.fromkeys(
        ("thirdPartyExecutionCommission", "thirdPartyClearingCommission", "thirdPartyRegulatoryCommission"),
        "a part of the commission",
    ),
    **dict.fromkeys(
        ("country", "payer", "taxableTransactionID", "category", "transactionDateTime"), "who was paid for what"
    ),
    **dict.fromkeys(("period", "reportDate", "levelOfDetail", "code"), "told by other attributes"),
    **dict.fromkeys(("queryName", "type", "count"), "the name and the size of the answer"),
}

#: What else stands in rows of these elements, whatever it is called.
_OF_TAGS: Final[Mapping[str, str]] = {
    "TradeTransfer": "the trade at the other broker; here counts what arrives",
    "TransactionTax": "the trade that is taxed",
}
#: One line of a cash report, and the two that make it; a query may have either.
DEPOSITS: Final = "depositWithdrawals"
PARTS_OF_DEPOSITS: Final = frozenset({"deposits", "withdrawals"})
_FEE_PARTS: Final = "a part of the commission, which the execution tells"


def row_reason(tag: str, name: str) -> str:
    """Why an attribute of a row is left aside; empty where nobody knows it."""
    if tag == "AccountInformation":
        return _PERSONAL
    if tag == "UnbundledCommissionDetail":
        return _REASONS.get(name) or _FEE_PARTS
    if tag in _ROLL_FORWARDS:
        return _ROLL_FORWARDS[tag](name)
    return _REASONS.get(name) or _OF_TAGS.get(tag, "")


def cash_report_reason(name: str) -> str:
    """Why an attribute of a cash report is no line of the roll-forward; empty where it is one."""
    if name.endswith(("Sec", "Com", "Paxos")):
        return _SEGMENT
    if name.endswith(("MTD", "YTD")):
        return "of another period"
    if name in PARTS_OF_DEPOSITS:
        return _PART
    if name.startswith(("avg", "slb", "netSettledCash", "netCashBalance", "startingCollateral", "endingCollateral")):
        return "an average or a collateral, no movement of cash"
    return {"model": _MODEL, "levelOfDetail": "told by the currency"}.get(name, "")


def nav_change_reason(name: str) -> str:
    """Why an attribute of a change in net asset value is no line of it; empty where it is one."""
    return _MODEL if name == "model" else ""


def nav_reason(name: str) -> str:
    """Why an attribute of a net asset value is no line of it; empty where it is one."""
    if name.endswith(("Long", "Short")):
        return "the long or the short part of a line that is read"
    return _PART if name.endswith("Component") else _MODEL if name == "model" else ""


_ROLL_FORWARDS: Final = {
    "CashReportCurrency": cash_report_reason,
    "ChangeInNAV": nav_change_reason,
    "EquitySummaryByReportDateInBase": nav_reason,
}


def is_read(tag: str, name: str, others: Container[str] = ()) -> bool:
    """Whether a row's attribute is read; of roll-forwards every line is. `others` are all attributes of the row."""
    if tag == "CashReportCurrency" and name in PARTS_OF_DEPOSITS and DEPOSITS not in others:
        return True
    names = READ.get(tag)
    return name in names if names is not None else tag in _ROLL_FORWARDS and not row_reason(tag, name)
