"""Which fields of an order stand in which message, in the order of the protocol.

A layout is a sequence of named fields, each with the kind of its value: text, `:i` whole number, `:d` number,
`:b` truth. Blocks that stand there only for some orders are layouts of their own; where they stand is in
`placed_order` (what clients send) and `order_answers` (what they are told). Names are IB's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OrderField:
    """A field of an order: its name, and `i`, `d`, `b` or `t` for the kind of its value."""

    name: str
    kind: str


Layout = Sequence[OrderField]


def _layout(text: str) -> Layout:
    parts = (word.partition(":") for word in text.split())
    return tuple(OrderField(name, kind or "t") for name, _, kind in parts)


#: Contract in requests.
REQUESTED_CONTRACT: Final = _layout(
    "conId:i symbol secType lastTradeDateOrContractMonth strike:d right multiplier exchange primaryExchange "
    "currency localSymbol tradingClass"
)

#: From the contract to where a BAG has its legs.
PLACED_HEAD: Final = _layout(
    "secIdType secId action totalQuantity:d orderType lmtPrice:d auxPrice:d tif ocaGroup account openClose origin:i "
    "orderRef transmit:b parentId:i blockOrder:b sweepToFill:b displaySize:i triggerMethod:i outsideRth:b hidden:b"
)
PLACED_MIDDLE: Final = _layout(
    "sharesAllocation discretionaryAmt:d goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile modelCode "
    "shortSaleSlot:i designatedLocation exemptCode:i ocaType:i rule80A settlingFirm allOrNone:b minQty:i "
    "percentOffset:d eTradeOnly:b firmQuoteOnly:b nbboPriceCap:d auctionStrategy:i startingPrice:d stockRefPrice:d "
    "delta:d stockRangeLower:d stockRangeUpper:d overridePercentageConstraints:b volatility:d volatilityType:i "
    "deltaNeutralOrderType deltaNeutralAuxPrice:d"
)
DELTA_NEUTRAL_ORDER: Final = _layout(
    "deltaNeutralConId:i deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent "
    "deltaNeutralOpenClose deltaNeutralShortSale:b deltaNeutralShortSaleSlot:i deltaNeutralDesignatedLocation"
)
COMPLETED_DELTA_NEUTRAL_ORDER: Final = _layout(
    "deltaNeutralConId:i deltaNeutralShortSale:b deltaNeutralShortSaleSlot:i deltaNeutralDesignatedLocation"
)
PLACED_TRAIL_AND_SCALE: Final = _layout(
    "continuousUpdate:b referencePriceType:i trailStopPrice:d trailingPercent:d scaleInitLevelSize:i "
    "scaleSubsLevelSize:i scalePriceIncrement:d"
)
SCALE: Final = _layout(
    "scalePriceAdjustValue:d scalePriceAdjustInterval:i scaleProfitOffset:d scaleAutoReset:b scaleInitPosition:i "
    "scaleInitFillQty:i scaleRandomPercent:b"
)
PLACED_SCALE_TABLE: Final = _layout("scaleTable activeStartTime activeStopTime hedgeType")
PLACED_CLEARING: Final = _layout("optOutSmartRouting:b clearingAccount clearingIntent notHeld:b")
DELTA_NEUTRAL_CONTRACT: Final = _layout("conId:i delta:d price:d")
PLACED_AFTER_ALGO: Final = _layout("algoId whatIf:b orderMiscOptions solicited:b randomizeSize:b randomizePrice:b")
PEG_BENCHMARK: Final = _layout(
    "referenceContractId:i isPeggedChangeAmountDecrease:b peggedChangeAmount:d referenceChangeAmount:d "
    "referenceExchangeId"
)
CONDITIONS_TAIL: Final = _layout("conditionsIgnoreRth:b conditionsCancelOrder:b")
PLACED_TAIL: Final = _layout(
    "adjustedOrderType triggerPrice:d lmtPriceOffset:d adjustedStopPrice:d adjustedStopLimitPrice:d "
    "adjustedTrailingAmount:d adjustableTrailingUnit:i extOperator softDollarTierName softDollarTierVal cashQty:d "
    "mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge:b "
    "isOmsContainer:b discretionaryUpToLimitPrice:b usePriceMgmtAlgo:b"
)
COMBO_LEG: Final = _layout(
    "conId:i ratio:i action exchange openClose:i shortSaleSlot:i designatedLocation exemptCode:i"
)
#: Fields of a condition after its type, by that type.
CONDITIONS: Final[Mapping[int, Layout]] = {
    1: _layout("conjunction isMore:b price:d conId:i exchange triggerMethod:i"),
    3: _layout("conjunction isMore:b time"),
    4: _layout("conjunction isMore:b percent:i"),
    5: _layout("conjunction secType exchange symbol"),
    6: _layout("conjunction isMore:b volume:i conId:i exchange"),
    7: _layout("conjunction isMore:b changePercent:d conId:i exchange"),
}

_OPEN_TERMS: Final = (
    "action totalQuantity:d orderType lmtPrice:d auxPrice:d tif ocaGroup account openClose origin:i orderRef"
)
OPEN_HEAD: Final = _layout(
    f"{_OPEN_TERMS} clientId:i permId:i outsideRth:b hidden:b discretionaryAmt:d goodAfterTime sharesAllocation "
    "faGroup faMethod faPercentage faProfile modelCode goodTillDate rule80A percentOffset:d settlingFirm "
    "shortSaleSlot:i designatedLocation exemptCode:i auctionStrategy:i startingPrice:d stockRefPrice:d delta:d "
    "stockRangeLower:d stockRangeUpper:d displaySize:i blockOrder:b sweepToFill:b allOrNone:b minQty:i ocaType:i "
    "eTradeOnly:b firmQuoteOnly:b nbboPriceCap:d parentId:i triggerMethod:i volatility:d volatilityType:i"
)
OPEN_TRAIL: Final = _layout(
    "continuousUpdate:b referencePriceType:i trailStopPrice:d trailingPercent:d basisPoints:d basisPointsType:i "
    "comboLegsDescrip"
)
OPEN_SCALE: Final = _layout("scaleInitLevelSize:i scaleSubsLevelSize:i scalePriceIncrement:d")
OPEN_STATE: Final = _layout(
    "status initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange "
    "equityWithLoanChange initMarginAfter maintMarginAfter equityWithLoanAfter commission minCommission "
    "maxCommission commissionCurrency warningText"
)
OPEN_TAIL: Final = _layout(
    "adjustedOrderType triggerPrice:d trailStopPrice:d lmtPriceOffset:d adjustedStopPrice:d "
    "adjustedStopLimitPrice:d adjustedTrailingAmount:d adjustableTrailingUnit:i softDollarTierName softDollarTierVal "
    "softDollarTierDisplayName cashQty:d dontUseAutoPriceForHedge:b isOmsContainer:b discretionaryUpToLimitPrice:b "
    "usePriceMgmtAlgo:b"
)
COMPLETED_HEAD: Final = _layout(
    f"{_OPEN_TERMS} permId:i outsideRth:b hidden:b discretionaryAmt:d goodAfterTime faGroup faMethod faPercentage "
    "faProfile modelCode goodTillDate rule80A percentOffset:d settlingFirm shortSaleSlot:i designatedLocation "
    "exemptCode:i startingPrice:d stockRefPrice:d delta:d stockRangeLower:d stockRangeUpper:d displaySize:i "
    "sweepToFill:b allOrNone:b minQty:i ocaType:i triggerMethod:i volatility:d volatilityType:i"
)
COMPLETED_TRAIL: Final = _layout(
    "continuousUpdate:b referencePriceType:i trailStopPrice:d trailingPercent:d comboLegsDescrip"
)
COMPLETED_CLEARING: Final = _layout("clearingAccount clearingIntent notHeld:b")
COMPLETED_TAIL: Final = _layout(
    "trailStopPrice:d lmtPriceOffset:d cashQty:d dontUseAutoPriceForHedge:b isOmsContainer:b autoCancelDate "
    "filledQuantity:d refFuturesConId:i autoCancelParent:b shareholder imbalanceOnly:b routeMarketableToBbo:b "
    "parentPermId:i completedTime completedStatus"
)
PEG_OFFSETS: Final = _layout(
    "minTradeQty:i minCompeteSize:i competeAgainstBestOffset:d midOffsetAtWhole:d midOffsetAtHalf:d"
)


def named(text: str) -> Layout:
    """A layout of a few fields, for blocks that stand alone."""
    return _layout(text)
