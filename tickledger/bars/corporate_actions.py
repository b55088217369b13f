"""What makes a row of corporate actions good, and the way from such a row to the domain's `CorporateAction`."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from tickledger.bars.quality import Mask, Rule, as_mask, is_bad_symbol, keep_good
from tickledger.bars.reject import Record, Reject
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind

#: Optional columns of numbers; `new_symbol` is the optional column of text.
OPTIONAL_NUMBERS: Final = ("fmv_old", "fmv_new", "cash_in_lieu")
_KEY: Final = ["symbol", "ex_date", "kind", "ratio", "amount", "new_symbol"]
_LARGEST_DENOMINATOR: Final = 10**6

_Kind = CorporateActionKind
#: The columns without which an action of a kind says nothing.
_NEEDS: Final[Mapping[CorporateActionKind, tuple[str, ...]]] = {
    _Kind.SPLIT: ("ratio",),
    _Kind.DIVIDEND: ("amount",),
    _Kind.RETURN_OF_CAPITAL: ("amount",),
    _Kind.SPINOFF: ("ratio", "new_symbol"),
    _Kind.TICKER_CHANGE: ("new_symbol",),
    _Kind.MERGER: (),
    _Kind.DELISTING: (),
}
_CONTENT: Final[Mapping[str, str]] = {
    "ratio": "a ratio above 0, new shares per old share,",
    "amount": "an amount above 0, in USD per share,",
    "new_symbol": "a new symbol",
}


def check_corporate_actions(
    frame: pd.DataFrame,
    *,
    where: str,
    record_of: Callable[[int], Record] | None = None,
    form_rules: Iterable[Rule] = (),
) -> tuple[pd.DataFrame, list[Reject]]:
    """The good rows of a frame of corporate actions, in their order, and a reject for each of the others.

    `form_rules` come first: what the reader of a file knows about its cells. Two rows that say the same are one
    action written twice, and the second is rejected; two different payments of one day are both good.
    """
    return keep_good(frame, [*form_rules, *_RULES], where=where, record_of=record_of)


def domain_actions(frame: pd.DataFrame) -> list[CorporateAction]:
    """The rows of a frame as exact values: amounts as decimals, a ratio such as 0.333… as the fraction it means."""
    return [_action(row) for row in frame.to_dict(orient="records")]


def _action(row: Mapping[Hashable, Any]) -> CorporateAction:
    ratio, new_symbol, identity = (row.get(name) for name in ("ratio", "new_symbol", "corporate_action_id"))
    return CorporateAction(
        symbol=str(row["symbol"]),
        ex_date=pd.Timestamp(row["ex_date"]).date(),
        kind=CorporateActionKind(row["kind"]),
        ratio=None if pd.isna(ratio) else exact_ratio(float(ratio)),
        amount=_decimal(row.get("amount")),
        new_symbol=None if pd.isna(new_symbol) else str(new_symbol),
        fmv_old=_decimal(row.get("fmv_old")),
        fmv_new=_decimal(row.get("fmv_new")),
        cash_in_lieu=_decimal(row.get("cash_in_lieu")),
        corporate_action_id=None if pd.isna(identity) else str(identity),
    )


def exact_ratio(ratio: float) -> Fraction:
    """The ratio that a float stands for: its decimal where that is short (1.05), else the nearest plain fraction."""
    decimal = Fraction(repr(ratio))
    if decimal.denominator <= _LARGEST_DENOMINATOR:
        return decimal
    return Fraction(ratio).limit_denominator(_LARGEST_DENOMINATOR)


def _decimal(value: float | None) -> Decimal | None:
    return None if pd.isna(value) else Decimal(str(value))


def _kinds(frame: pd.DataFrame, kind: CorporateActionKind) -> Mask:
    return as_mask(frame["kind"] == kind.value)


def _is_empty(frame: pd.DataFrame, column: str) -> Mask:
    return as_mask(frame[column].isna())


def _lacks(frame: pd.DataFrame, *, kind: CorporateActionKind, column: str) -> Mask:
    return _kinds(frame, kind) & _is_empty(frame, column)


def _below(frame: pd.DataFrame, *, column: str, is_zero_good: bool) -> Mask:
    values = frame[column].to_numpy(dtype=float, na_value=np.nan)
    broken: Mask = (values < 0) | ((values == 0) & (not is_zero_good)) | np.isinf(values)
    return broken


def _merges_into_nothing(frame: pd.DataFrame) -> Mask:
    for_stock = ~_is_empty(frame, "ratio") & ~_is_empty(frame, "new_symbol")
    return _kinds(frame, _Kind.MERGER) & ~for_stock & _is_empty(frame, "amount")


def _is_odd_new_symbol(frame: pd.DataFrame) -> Mask:
    return ~_is_empty(frame, "new_symbol") & is_bad_symbol(frame["new_symbol"])


def _earlier_rows(frame: pd.DataFrame, broken: Mask) -> Sequence[str]:
    rows = frame.index.to_series().groupby([frame[column] for column in _KEY], dropna=False).transform("first")
    return [f"a repeat of row {row}" for row in rows[broken]]


_RULES: Final = (
    Rule("symbol", "a symbol such as AAPL or BRK.B", lambda frame: is_bad_symbol(frame["symbol"])),
    Rule(
        "ex_date",
        "a date in ISO 8601, such as 2012-01-03",
        lambda frame: as_mask(frame["ex_date"].isna() | (frame["ex_date"] != frame["ex_date"].dt.normalize())),
    ),
    Rule(
        "kind",
        f"one of {', '.join(_Kind)}",
        lambda frame: ~as_mask(frame["kind"].isin([kind.value for kind in _Kind])),
    ),
    *(
        Rule(column, f"{_CONTENT[column]} for a {kind.value}", partial(_lacks, kind=kind, column=column))
        for kind, columns in _NEEDS.items()
        for column in columns
    ),
    Rule("ratio", "a ratio above 0", partial(_below, column="ratio", is_zero_good=False)),
    Rule("amount", "an amount above 0, in USD per share", partial(_below, column="amount", is_zero_good=False)),
    *(Rule(name, "0 or more USD", partial(_below, column=name, is_zero_good=True)) for name in OPTIONAL_NUMBERS),
    Rule("new_symbol", "a symbol such as AAPL or BRK.B", _is_odd_new_symbol),
    Rule("amount", "cash per share, or a ratio and a new_symbol, for a merger", _merges_into_nothing),
    Rule("ex_date", "one row per action", lambda frame: as_mask(frame.duplicated(_KEY)), _earlier_rows),
)
