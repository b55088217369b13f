"""The order a client places: read in the order of the protocol, kept whole, so that it can be told back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tickledger.gateway import order_fields as layout
from tickledger.gateway.fields import INFINITE, FieldReader, MalformedMessageError, as_text

Terms = Mapping[str, str]
TagValues = Sequence[tuple[str, str]]

DURATION: Final = 158
POST_TO_ATS: Final = 160
AUTO_CANCEL_PARENT: Final = 162
ADVANCED_ORDER_REJECT: Final = 166
MANUAL_ORDER_TIME: Final = 169
PEG_OFFSETS: Final = 170
_BAG: Final = "BAG"
_CONDITION_TYPES: Final = ", ".join(map(str, layout.CONDITIONS))


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an order: IB's number of its type, and its fields."""

    kind: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """What placeOrder said: the contract, the terms by IB's names as canonical texts, and the repeated blocks.

    A number that was not given is an empty text, truth is "1" or "0".
    """

    order_id: int
    contract: Terms
    terms: Terms
    combo_legs: Sequence[Terms] = ()
    leg_prices: Sequence[str] = ()
    routing_params: TagValues = ()
    delta_neutral: Terms | None = None
    algo_params: TagValues = ()
    conditions: Sequence[Condition] = field(default=())

    def term(self, name: str) -> str:
        """The text of a term, empty where it was not given."""
        return self.terms.get(name, "")

    def number(self, name: str) -> Decimal | None:
        """The number of a term, None where it was not given."""
        text = self.term(name)
        return None if text == "" else Decimal(text)

    def is_set(self, name: str) -> bool:
        """Whether a truth was given and holds."""
        return self.term(name) == "1"


def read_layout(reader: FieldReader, fields: layout.Layout) -> dict[str, str]:
    """The fields of a layout as canonical texts."""
    return {one.name: read_field(reader, one) for one in fields}


def read_field(reader: FieldReader, one: layout.OrderField) -> str:
    """One field as canonical text; raises MalformedMessageError where it is not of its kind."""
    match one.kind:
        case "i":
            return as_text(reader.integer(one.name))
        case "d":
            number = reader.decimal(one.name)
            return as_text(number)
        case "b":
            return as_text(reader.boolean(one.name))
        case _:
            return reader.text(one.name)


def read_contract(reader: FieldReader) -> Terms:
    """The twelve fields of a contract in a request."""
    return read_layout(reader, layout.REQUESTED_CONTRACT)


def read_placed_order(reader: FieldReader, *, version: int) -> PlacedOrder:
    """What follows the message's number in placeOrder; raises MalformedMessageError."""
    order_id = reader.identifier("orderId")
    contract = read_contract(reader)
    terms = read_layout(reader, layout.PLACED_HEAD)
    legs, prices, routing = _combination(reader) if contract["secType"] == _BAG else ((), (), ())
    terms |= read_layout(reader, layout.PLACED_MIDDLE)
    if terms["deltaNeutralOrderType"]:
        terms |= read_layout(reader, layout.DELTA_NEUTRAL_ORDER)
    terms |= read_layout(reader, layout.PLACED_TRAIL_AND_SCALE)
    if has_scale(terms):
        terms |= read_layout(reader, layout.SCALE)
    terms |= read_layout(reader, layout.PLACED_SCALE_TABLE)
    if terms["hedgeType"]:
        terms["hedgeParam"] = reader.text("hedgeParam")
    terms |= read_layout(reader, layout.PLACED_CLEARING)
    is_neutral = reader.boolean("deltaNeutralContract")
    neutral = read_layout(reader, layout.DELTA_NEUTRAL_CONTRACT) if is_neutral else None
    terms["algoStrategy"] = reader.text("algoStrategy")
    algo_params = tag_values(reader, "algoParams") if terms["algoStrategy"] else ()
    terms |= read_layout(reader, layout.PLACED_AFTER_ALGO)
    if is_peg_benchmark(terms):
        terms |= read_layout(reader, layout.PEG_BENCHMARK)
    conditions = [_condition(reader) for _ in range(reader.count("conditionsCount"))]
    if conditions:
        terms |= read_layout(reader, layout.CONDITIONS_TAIL)
    terms |= read_layout(reader, layout.PLACED_TAIL)
    terms |= _versioned(reader, version=version, exchange=contract["exchange"], order_type=terms["orderType"])
    reader.end()
    return PlacedOrder(
        order_id=order_id,
        contract=contract,
        terms=terms,
        combo_legs=legs,
        leg_prices=prices,
        routing_params=routing,
        delta_neutral=neutral,
        algo_params=algo_params,
        conditions=conditions,
    )


def has_scale(terms: Terms) -> bool:
    """Whether the block of a scale order follows."""
    increment = terms.get("scalePriceIncrement", "")
    return increment not in {"", INFINITE} and Decimal(increment) > 0


def is_peg_benchmark(terms: Terms) -> bool:
    """Whether the block of an order pegged to a benchmark follows."""
    return terms["orderType"] in {"PEG BENCH", "PEGBENCH"}


def tag_values(reader: FieldReader, name: str) -> TagValues:
    """A counted list of tags and values."""
    count = reader.count(f"{name}Count")
    return [(reader.text(f"{name} tag"), reader.text(f"{name} value")) for _ in range(count)]


def _combination(reader: FieldReader) -> tuple[Sequence[Terms], Sequence[str], TagValues]:
    legs = [read_layout(reader, layout.COMBO_LEG) for _ in range(reader.count("comboLegsCount"))]
    price = layout.OrderField("orderComboLegPrice", "d")
    prices = [read_field(reader, price) for _ in range(reader.count("orderComboLegsCount"))]
    return legs, prices, tag_values(reader, "smartComboRoutingParams")


def _condition(reader: FieldReader) -> Condition:
    kind = reader.identifier("conditionType")
    if kind not in layout.CONDITIONS:
        raise MalformedMessageError(f"conditionType: expected one of {_CONDITION_TYPES}, found {kind}")
    return Condition(kind, read_layout(reader, layout.CONDITIONS[kind]))


def _versioned(reader: FieldReader, *, version: int, exchange: str, order_type: str) -> dict[str, str]:
    terms: dict[str, str] = {}
    for since, fields in _SINCE:
        if version >= since:
            terms |= read_layout(reader, fields)
    if version >= PEG_OFFSETS:
        terms |= _peg_offsets(reader, exchange=exchange, order_type=order_type)
    return terms


def _peg_offsets(reader: FieldReader, *, exchange: str, order_type: str) -> dict[str, str]:
    terms: dict[str, str] = {}
    if exchange == "IBKRATS":
        terms |= read_layout(reader, layout.named("minTradeQty:i"))
    if order_type == "PEG BEST":
        terms |= read_layout(reader, layout.named("minCompeteSize:i competeAgainstBestOffset:d"))
    is_up_to_mid = terms.get("competeAgainstBestOffset") == INFINITE
    if is_up_to_mid or order_type == "PEG MID":
        terms |= read_layout(reader, layout.named("midOffsetAtWhole:d midOffsetAtHalf:d"))
    return terms


#: What placeOrder says since which server version.
_SINCE: Final = (
    (DURATION, layout.named("duration:i")),
    (POST_TO_ATS, layout.named("postToAts:i")),
    (AUTO_CANCEL_PARENT, layout.named("autoCancelParent:b")),
    (ADVANCED_ORDER_REJECT, layout.named("advancedErrorOverride")),
    (MANUAL_ORDER_TIME, layout.named("manualOrderTime")),
)
