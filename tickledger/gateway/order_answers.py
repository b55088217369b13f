"""What the gateway says of orders and executions, as frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from tickledger.gateway import order_fields as layout
from tickledger.gateway.answers import contract_fields, stamp
from tickledger.gateway.fields import UNSET_DOUBLE, Value, message
from tickledger.gateway.listings import CURRENCY, Listing
from tickledger.gateway.order_fields import Layout
from tickledger.gateway.placed_order import (
    AUTO_CANCEL_PARENT,
    DURATION,
    PEG_OFFSETS,
    POST_TO_ATS,
    Condition,
    PlacedOrder,
    TagValues,
    Terms,
    has_scale,
    is_peg_benchmark,
)

#: What TWS writes where an order has no delta-neutral one; its block of fields follows all the same.
NO_DELTA_NEUTRAL: Final = "None"
_PRICE_REVISION: Final = 178


@dataclass(frozen=True, slots=True)
class OrderIdentity:
    """Whose order it is: the client's id and the one it gave, and the broker's own, which never changes."""

    client_id: int
    order_id: int
    permanent_id: int
    parent_id: int = 0
    parent_permanent_id: int = 0
    account: str = ""


@dataclass(frozen=True, slots=True)
class OrderStateTold:
    """The state of an order in openOrder; margins are told for a what-if alone."""

    status: str
    margins: Sequence[str] = field(default=(UNSET_DOUBLE,) * 9)
    commission: Value = None
    commission_currency: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ExecutionTold:
    """An execution as clients are told of it."""

    execution_id: str
    executed_at: datetime
    exchange: str
    is_buy: bool
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    average_price: Decimal
    adds_liquidity: bool = False


def open_order(
    placed: PlacedOrder, identity: OrderIdentity, state: OrderStateTold, listing: Listing, *, version: int
) -> bytes:
    """5."""
    terms = _told_terms(placed, identity)
    fields: list[Value] = [5, identity.order_id, *contract_fields(listing, placed.contract["exchange"] or "SMART")]
    fields += _values(terms, layout.OPEN_HEAD)
    fields += _delta_neutral_order(terms, layout.DELTA_NEUTRAL_ORDER)
    fields += _values(terms, layout.OPEN_TRAIL)
    fields += _combination_and_scale(placed, terms)
    fields += [terms.get("optOutSmartRouting", "0")]
    fields += _values(terms, layout.COMPLETED_CLEARING)
    fields += _neutral_contract_and_algo(placed, terms)
    fields += [terms.get("solicited", "0"), terms.get("whatIf", "0"), *_state(state)]
    fields += _tail(placed, terms, layout.OPEN_TAIL)
    if version >= DURATION:
        fields += [terms.get("duration", "")]
    if version >= POST_TO_ATS:
        fields += [terms.get("postToAts", "")]
    if version >= AUTO_CANCEL_PARENT:
        fields += [terms.get("autoCancelParent", "0")]
    if version >= PEG_OFFSETS:
        fields += _values(terms, layout.PEG_OFFSETS)
    return message(*fields)


def open_order_end() -> bytes:
    """53."""
    return message(53, 1)


@dataclass(frozen=True, slots=True)
class Completion:
    """How an order ended: its status, when in the broker's words, and how much of it was filled."""

    status: str
    completed_at: datetime
    reason: str
    filled: Decimal


def completed_order(
    placed: PlacedOrder, identity: OrderIdentity, completion: Completion, listing: Listing, *, version: int
) -> bytes:
    """101; it tells neither the client's id nor the order's."""
    terms = _told_terms(placed, identity) | {
        "completedTime": stamp(completion.completed_at),
        "completedStatus": completion.reason,
        "filledQuantity": f"{completion.filled:f}",
    }
    fields: list[Value] = [101, *contract_fields(listing, placed.contract["exchange"] or "SMART")]
    fields += _values(terms, layout.COMPLETED_HEAD)
    fields += _delta_neutral_order(terms, layout.COMPLETED_DELTA_NEUTRAL_ORDER)
    fields += _values(terms, layout.COMPLETED_TRAIL)
    fields += _combination_and_scale(placed, terms)
    fields += _values(terms, layout.COMPLETED_CLEARING)
    fields += _neutral_contract_and_algo(placed, terms)
    fields += [terms.get("solicited", "0"), completion.status]
    fields += _tail(placed, terms, layout.COMPLETED_TAIL)
    if version >= PEG_OFFSETS:
        fields += _values(terms, layout.PEG_OFFSETS)
    return message(*fields)


def completed_orders_end() -> bytes:
    """102."""
    return message(102)


@dataclass(frozen=True, slots=True)
class StatusTold:
    """orderStatus."""

    status: str
    filled: Decimal = Decimal(0)
    remaining: Decimal = Decimal(0)
    average_price: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)
    why_held: str = ""


def order_status(identity: OrderIdentity, told: StatusTold) -> bytes:
    """3."""
    return message(
        *(3, identity.order_id, told.status, told.filled, told.remaining, told.average_price),
        *(identity.permanent_id, identity.parent_id, told.last_price, identity.client_id, told.why_held, 0),
    )


def order_bound(permanent_id: int, client_id: int, order_id: int) -> bytes:
    """100: an order entered by hand was given an id of client 0."""
    return message(100, permanent_id, client_id, order_id)


def execution_details(
    request_id: int,
    placed: PlacedOrder,
    identity: OrderIdentity,
    told: ExecutionTold,
    listing: Listing,
    *,
    version: int,
) -> bytes:
    """11; the request is -1 where the execution is told when it happens."""
    return message(
        *(11, request_id, identity.order_id, *contract_fields(listing, told.exchange), told.execution_id),
        *(stamp(told.executed_at), identity.account, told.exchange, "BOT" if told.is_buy else "SLD"),
        *(told.quantity, told.price, identity.permanent_id, identity.client_id, 0, told.cumulative),
        *(told.average_price, placed.term("orderRef"), "", "", placed.term("modelCode")),
        *(1 if told.adds_liquidity else 2, *(("0",) if version >= _PRICE_REVISION else ())),
    )


def execution_details_end(request_id: int) -> bytes:
    """55."""
    return message(55, 1, request_id)


def commission_report(execution_id: str, commission: Decimal, realized: Decimal | None) -> bytes:
    """59; `realized` is None where the execution opened a position."""
    told = UNSET_DOUBLE if realized is None else realized
    return message(59, 1, execution_id, commission, CURRENCY, told, UNSET_DOUBLE, 0)


def _told_terms(placed: PlacedOrder, identity: OrderIdentity) -> dict[str, str]:
    return {
        **placed.terms,
        "account": identity.account,
        "clientId": str(identity.client_id),
        "permId": str(identity.permanent_id),
        "parentId": str(identity.parent_id),
        "parentPermId": str(identity.parent_permanent_id),
    }


def _values(terms: Mapping[str, str], fields: Layout) -> list[Value]:
    return [terms.get(one.name, "0" if one.kind == "b" else "") for one in fields]


def _delta_neutral_order(terms: Terms, block: Layout) -> list[Value]:
    kind = terms.get("deltaNeutralOrderType") or NO_DELTA_NEUTRAL
    return [kind, terms.get("deltaNeutralAuxPrice", ""), *_values(terms, block)]


def _combination_and_scale(placed: PlacedOrder, terms: Terms) -> list[Value]:
    fields: list[Value] = [len(placed.combo_legs)]
    for leg in placed.combo_legs:
        fields += _values(leg, layout.COMBO_LEG)
    fields += [len(placed.leg_prices), *placed.leg_prices, *_tag_values(placed.routing_params)]
    fields += _values(terms, layout.OPEN_SCALE)
    if has_scale(terms):
        fields += _values(terms, layout.SCALE)
    hedge = terms.get("hedgeType", "")
    return [*fields, hedge, *([terms.get("hedgeParam", "")] if hedge else [])]


def _neutral_contract_and_algo(placed: PlacedOrder, terms: Terms) -> list[Value]:
    neutral = placed.delta_neutral
    fields: list[Value] = ["0"] if neutral is None else ["1", *_values(neutral, layout.DELTA_NEUTRAL_CONTRACT)]
    algo = terms.get("algoStrategy", "")
    return [*fields, algo, *(_tag_values(placed.algo_params) if algo else [])]


def _tag_values(pairs: TagValues) -> list[Value]:
    return [len(pairs), *(text for pair in pairs for text in pair)]


def _state(state: OrderStateTold) -> list[Value]:
    told = state.commission
    return [state.status, *state.margins, told, None, None, state.commission_currency, state.warning]


def _tail(placed: PlacedOrder, terms: Terms, tail: Layout) -> list[Value]:
    fields: list[Value] = [terms.get("randomizeSize", "0"), terms.get("randomizePrice", "0")]
    if is_peg_benchmark(terms):
        fields += _values(terms, layout.PEG_BENCHMARK)
    fields += [len(placed.conditions), *_conditions(placed.conditions)]
    if placed.conditions:
        fields += _values(terms, layout.CONDITIONS_TAIL)
    return fields + _values(terms, tail)


def _conditions(conditions: Sequence[Condition]) -> list[Value]:
    fields: list[Value] = []
    for condition in conditions:
        fields += [condition.kind, *_values(condition.terms, layout.CONDITIONS[condition.kind])]
    return fields
