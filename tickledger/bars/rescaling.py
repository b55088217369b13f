"""A corporate action as factors of the history before it: `ADJUSTMENT_RULE` for one action, before its day has a close.

Where the rule divides by the close of the ex-date, the last close less what is handed out stands for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class HistoryFactors:
    """By what all earlier prices and volumes are multiplied."""

    price: float
    volume: float


def history_factors(action: CorporateAction, last_close: Decimal) -> HistoryFactors | None:
    """The factors of an action, where `last_close` is the symbol's last price before it, USD per share.

    None where the history stays as it is: nothing is handed out that has a known worth, or as much as the share was.
    """
    if action.kind is CorporateActionKind.SPLIT:
        ratio = action.ratio
        return None if ratio is None or ratio <= 0 else HistoryFactors(float(1 / ratio), float(ratio))
    handed_out = _HANDED_OUT.get(action.kind, _none)(action)
    if not _NOTHING < handed_out < last_close:
        return None
    return HistoryFactors(float((last_close - handed_out) / last_close), 1.0)


def _none(_: CorporateAction) -> Decimal:
    return _NOTHING


def _cash(action: CorporateAction) -> Decimal:
    return action.amount or _NOTHING


def _spun_off(action: CorporateAction) -> Decimal:
    if action.ratio is None or action.fmv_new is None:
        return _NOTHING
    return action.fmv_new * action.ratio.numerator / action.ratio.denominator


#: USD per share that an action hands out.
_HANDED_OUT: Final[Mapping[CorporateActionKind, Callable[[CorporateAction], Decimal]]] = {
    CorporateActionKind.DIVIDEND: _cash,
    CorporateActionKind.RETURN_OF_CAPITAL: _cash,
    CorporateActionKind.SPINOFF: _spun_off,
}
