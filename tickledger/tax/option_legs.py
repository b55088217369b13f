"""Exercises that a statement tells twice: as the end of the option, and as a trade of shares at the strike.

The trade is not entered again. Where one row stands beside one, it gives the exercise its execution id; where several
do, with the same shares in all, the exercises keep their own. Its costs go with the exercise in either case.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from tickledger.domain.instrument import OptionContract, OptionRight
from tickledger.tax.fills import Fill, FillSide

_EXERCISED: Final = frozenset({FillSide.EXERCISE, FillSide.ASSIGN})
_PURCHASES: Final = frozenset({FillSide.BUY, FillSide.BUY_TO_COVER})
_SALES: Final = frozenset({FillSide.SELL, FillSide.SELL_SHORT})
#: Account, security, whether it was bought, date, and price.
_Trade = tuple[str, str, bool, object, Decimal]


@dataclass
class _Told:
    """Rows that tell of the same trade of shares."""

    exercises: list[Fill] = field(default_factory=list)
    legs: list[Fill] = field(default_factory=list)


def buys_shares(side: str, contract: OptionContract) -> bool:
    """Whether the exercise of an option acquires the underlying: a call by its holder, a put by its writer."""
    return (side == FillSide.EXERCISE) is (contract.right is OptionRight.CALL)


def shares_of(fill: Fill, contract: OptionContract) -> Decimal:
    """The number of underlying shares that an exercise moves."""
    return fill.quantity * contract.multiplier


def fold_legs(fills: Sequence[Fill]) -> list[Fill]:
    """The fills with each exercise once."""
    if not any(fill.side in _EXERCISED for fill in fills):
        return list(fills)
    folded: dict[str, Fill] = {}
    left_out: set[str] = set()
    for told in _by_trade(fills).values():
        _fold_pairs(told, folded, left_out)
        _fold_the_rest(told, folded, left_out)
    return [folded.get(fill.execution_id, fill) for fill in fills if fill.execution_id not in left_out]


def _by_trade(fills: Iterable[Fill]) -> Mapping[_Trade, _Told]:
    told: dict[_Trade, _Told] = defaultdict(_Told)
    for fill in fills:
        contract = fill.contract
        if fill.side in _EXERCISED and contract is not None:
            is_bought = buys_shares(fill.side, contract)
            key = (fill.account_id, contract.underlying, is_bought, fill.trade_date, contract.strike)
            told[key].exercises.append(fill)
        elif contract is None and fill.side in _PURCHASES | _SALES:
            key = (fill.account_id, fill.symbol, fill.side in _PURCHASES, fill.trade_date, _price(fill))
            told[key].legs.append(fill)
    return {key: rows for key, rows in told.items() if rows.exercises and rows.legs}


def _price(fill: Fill) -> Decimal:
    return fill.gross_amount / fill.quantity


def _shares(exercise: Fill) -> Decimal:
    return shares_of(exercise, exercise.contract) if exercise.contract is not None else Decimal(0)


def _fold_pairs(told: _Told, folded: dict[str, Fill], left_out: set[str]) -> None:
    for exercise in list(told.exercises):
        leg = next((leg for leg in told.legs if leg.quantity == _shares(exercise)), None)
        if leg is not None:
            told.exercises.remove(exercise)
            told.legs.remove(leg)
            left_out.add(leg.execution_id)
            costs = exercise.commission + leg.commission
            folded[exercise.execution_id] = replace(exercise, execution_id=leg.execution_id, commission=costs)


def _fold_the_rest(told: _Told, folded: dict[str, Fill], left_out: set[str]) -> None:
    """Several rows on either side are the same trade where their shares are the same in all."""
    shares = sum((_shares(exercise) for exercise in told.exercises), Decimal(0))
    if not told.legs or shares != sum(leg.quantity for leg in told.legs):
        return
    left_out.update(leg.execution_id for leg in told.legs)
    first = told.exercises[0]
    costs = sum((leg.commission for leg in told.legs), first.commission)
    folded[first.execution_id] = replace(first, commission=costs)
