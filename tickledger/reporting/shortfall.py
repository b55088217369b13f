"""What carrying out decisions cost: implementation shortfall by session, strategy and symbol.

The shortfall of a parent order is worked out when it is over (`execution.tca`, after Perold): execution cost against
the price at the decision, opportunity cost of what was not filled, commissions and fees. Here parents are added up:

    shortfall in bps = Σ shortfall / Σ (shares decided on × price at the decision) × 10,000

Amounts are whole cents by largest remainder, so that the rows of an account and session add up to its total.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from tickledger.domain.money import round_cents
from tickledger.execution.tca import OrderCost
from tickledger.reporting.pnl_origins import BY_HAND, Origin
from tickledger.reporting.pnl_rounding import decimals_of
from tickledger.reporting.table import Table

_BASIS_POINTS: Final = Decimal(10_000)
_PLACES: Final = Decimal("0.0001")
_COSTS: Final = ("execution_cost", "opportunity_cost", "fees")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The parent orders of a strategy in a symbol that were decided in a session, USD in whole cents.

    Positive is a cost: implementation_shortfall = execution_cost + opportunity_cost + fees. `decided_notional` is at
    the prices of the decisions; `filled_part` is the part of the shares decided on that was traded;
    `fees_are_estimated` where the broker has not told all of them.
    """

    account_id: str
    session_date: date
    strategy: str
    symbol: str
    num_orders: int
    decided_notional: Decimal
    filled_part: Decimal
    execution_cost: Decimal
    opportunity_cost: Decimal
    fees: Decimal
    implementation_shortfall: Decimal
    shortfall_bps: Decimal
    fees_are_estimated: bool


_Key = tuple[str, date]


def shortfalls(costs: Iterable[OrderCost], origins: Mapping[str, Origin]) -> list[Shortfall]:
    """The costs of parent orders added up, by account, session, strategy and symbol; `origins` is by order id."""
    groups: dict[_Key, dict[tuple[str, str], list[OrderCost]]] = defaultdict(lambda: defaultdict(list))
    for cost in costs:
        strategy = origins.get(cost.parent_order_id, BY_HAND).strategy
        groups[cost.account_id, cost.session_date][strategy, cost.symbol].append(cost)
    return [row for key, of_session in sorted(groups.items()) for row in _of_session(key, of_session)]


def _of_session(key: _Key, groups: Mapping[tuple[str, str], Sequence[OrderCost]]) -> list[Shortfall]:
    """The rows of a session; each kind of cost is rounded so that they add up to the session's."""
    ordered = sorted(groups.items())
    cents = {}
    for name in _COSTS:
        pieces = [sum((getattr(cost, name) for cost in of_group), Decimal(0)) for _, of_group in ordered]
        cents[name] = decimals_of(pieces, round_cents(sum(pieces, Decimal(0))))
    return [
        _row(key, names, of_group, {name: cents[name][place] for name in _COSTS})
        for place, (names, of_group) in enumerate(ordered)
    ]


def _row(key: _Key, names: tuple[str, str], costs: Sequence[OrderCost], told: Mapping[str, Decimal]) -> Shortfall:
    notional = sum((cost.quantity * cost.arrival_price for cost in costs), Decimal(0))
    decided, filled = (
        sum((getattr(cost, name) for cost in costs), Decimal(0)) for name in ("quantity", "filled_quantity")
    )
    shortfall = sum((cost.implementation_shortfall for cost in costs), Decimal(0))
    return Shortfall(
        account_id=key[0],
        session_date=key[1],
        strategy=names[0],
        symbol=names[1],
        num_orders=len(costs),
        decided_notional=round_cents(notional),
        filled_part=(filled / decided).quantize(_PLACES, rounding=ROUND_HALF_EVEN),
        implementation_shortfall=sum(told.values(), Decimal(0)),
        shortfall_bps=(shortfall / notional * _BASIS_POINTS).quantize(_PLACES, rounding=ROUND_HALF_EVEN),
        fees_are_estimated=any(cost.fees_are_estimated for cost in costs),
        execution_cost=told["execution_cost"],
        opportunity_cost=told["opportunity_cost"],
        fees=told["fees"],
    )


def shortfall_table(rows: Iterable[Shortfall]) -> Table:
    """implementation_shortfall.csv: the fields of `Shortfall`."""
    return Table(columns=[field.name for field in fields(Shortfall)], rows=[asdict(row) for row in rows])


def order_costs_table(costs: Iterable[OrderCost]) -> Table:
    """order_costs.csv: the fields of `OrderCost`, an order a row; empty where there is no value."""
    columns = [field.name for field in fields(OrderCost)]
    return Table(columns, [{name: _cell(getattr(cost, name)) for name in columns} for cost in costs])


def _cell(value: object) -> object:
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
        case _:
            return value
