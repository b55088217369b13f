"""Fills of a Flex file by the hundred thousand: rows that leave no doubt, read by a plan made once for their layout.

All rows of one query have the same attributes in the same order, so where each stands is found out once. Texts that
repeat (symbols, days, amounts) are understood once and kept as one object. A row in which anything is out of the
ordinary is given back: `flex_trades` reads it cell by cell and notes what is wrong. Of a row that is read here both
make the same fill.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from tickledger.domain.order import OrderSide
from tickledger.reconciliation.statement import Correction, ExecutionLevel, StatementExecution
from tickledger.reconciliation.statements.cells import NOTHING, codes_of
from tickledger.reconciliation.statements.flex_trades import SIDES, correction_of, names_in
from tickledger.reconciliation.statements.flex_xml import FlexElement
from tickledger.reconciliation.statements.numbers import a_number
from tickledger.reconciliation.statements.place import Place

Key = TypeVar("Key")
Value = TypeVar("Value")

#: The elements that stand for a fill where they carry no other level of detail.
FILLS: Final = frozenset({"Trade", "TradeConfirm"})
EXECUTION: Final = "EXECUTION"
_MOST_KEPT: Final = 1 << 16
_ONE: Final = Decimal(1)


class _Draft:
    """A fill while it is written: of an immutable row a field costs several times as much to set, and a fill has forty.

    It has the slots of the row, and becomes it when all of them are set.
    """

    __slots__ = StatementExecution.__slots__


class _Kept(dict[Key, Value]):
    """What texts mean, found out once for each that repeats; raises what `understand` raises."""

    __slots__ = ("_understand",)

    def __init__(self, understand: Callable[[Key], Value]) -> None:
        super().__init__()
        self._understand = understand

    def __missing__(self, text: Key) -> Value:
        found = self._understand(text)
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[text] = found
        return found


Picked = Callable[[Sequence[str]], tuple[str, ...]]


@dataclass(slots=True)
class FillLayout:
    """The attributes of rows of one element, where those of a fill stand in them, and how many rows were read.

    `security`, `circumstances` and `figures` take their values out of a row to which an empty text was added: what
    repeats with the security, what repeats with the kind of trade, and what is each fill's own. `counts` are by the
    account that the rows name.
    """

    parent: str
    tag: str
    names: Sequence[str]
    security: Picked
    circumstances: Picked
    figures: Picked
    counts: Counter[str] = field(default_factory=Counter)


def fill_layout(element: FlexElement) -> FillLayout:
    """The layout of an element and of all that have the same attributes."""
    names = element.names
    words = names_in(names)
    places = {name: number for number, name in enumerate(names)}

    def picked(*wanted: str) -> Picked:
        return itemgetter(*(places.get(name, -1) for name in wanted))

    # fmt: off
    return FillLayout(
        element.parent,
        element.tag,
        names,
        picked(
            "symbol", "currency", "conid", "isin", "cusip", "assetCategory", "description", words.commission_currency,
        ),
        picked(
            "levelOfDetail", "buySell", words.codes, "transactionType", "exchange", "orderType", "openCloseIndicator",
            "origTradeID",
        ),
        picked(
            "accountId", "tradeID", "transactionID", "orderReference", words.execution_id, words.order_id, "quantity",
            words.price, "dateTime", "tradeDate", words.settles, "multiplier", "proceeds", words.commission,
            words.taxes, "cost", "fifoPnlRealized", "fxRateToBase",
        ),
    )
    # fmt: on


class _Circumstances(NamedTuple):
    """What the kind of trade says, understood."""

    side: OrderSide
    codes: tuple[str, ...]
    correction: Correction
    transaction_type: str
    exchange: str
    order_type: str
    open_close: str
    original_trade_id: str


class FillReader:
    """Reads the fills of one file that leave no doubt."""

    def __init__(self, place: Place) -> None:
        self._where = place.name
        self._moments = _Kept(place.moments)
        self._securities = _Kept(_security)
        self._circumstances = _Kept(_circumstances)
        self._texts = _Kept(_text)
        self._quantities = _Kept(_quantity)
        self._numbers = _Kept(_number)
        self._costs = _Kept(_cost)
        self._days = _Kept(self._day)

    def fill(self, layout: FillLayout, element: FlexElement) -> tuple[str, StatementExecution] | None:
        """The account that the row names and its fill; None of a row that has to be read cell by cell."""
        try:
            return self._fill(layout, (*element.values, ""), element.row)
        except (ValueError, ArithmeticError):
            return None

    def _fill(self, layout: FillLayout, values: tuple[str, ...], row: int) -> tuple[str, StatementExecution] | None:
        texts, numbers, days = self._texts, self._numbers, self._days
        # fmt: off
        symbol, currency, conid, isin, cusip, asset_class, description, commission_currency = self._securities[
            layout.security(values)
        ]
        side, codes, correction, transaction_type, exchange, order_type, open_close, original_trade_id = (
            self._circumstances[layout.circumstances(values)]
        )
        (
            account, trade_id, transaction_id, order_ref, execution_id, order_id, quantity_text,
            price_text, at_text, day_text, settles, multiplier, proceeds, commission,
            taxes, cost, realized, fx_rate,
        ) = layout.figures(values)
        # fmt: on
        (quantity, is_negative), price = self._quantities[quantity_text], numbers[price_text]
        executed_on, executed_at, doubt = self._moments[at_text]
        if price is None or doubt:
            return None
        if is_negative and side is OrderSide.BUY and correction is not Correction.CANCELS:
            return None
        # Without the types of the row: only its own constructor knows them.
        execution: Any = _Draft()
        execution.symbol = symbol
        execution.side = side
        execution.quantity = quantity
        execution.price = price
        execution.currency = currency
        execution.executed_on = executed_on
        execution.trade_date = days[day_text] or executed_on
        execution.executed_at = executed_at
        execution.settle_date = days[settles]
        execution.ib_exec_id = _text(execution_id)
        execution.trade_id = _text(trade_id)
        execution.transaction_id = _text(transaction_id)
        execution.order_id = texts[order_id]
        execution.order_ref = texts[order_ref]
        execution.original_trade_id = original_trade_id
        execution.conid = conid
        execution.isin = isin
        execution.cusip = cusip
        execution.asset_class = asset_class
        execution.description = description
        execution.multiplier = numbers[multiplier] or _ONE
        execution.proceeds = _own_number(proceeds)
        execution.commission = self._costs[commission]
        execution.commission_currency = commission_currency
        execution.fees = None
        execution.taxes = self._costs[taxes]
        execution.basis = _own_number(cost)
        execution.realized = numbers[realized]
        execution.fx_rate_to_base = numbers[fx_rate]
        execution.exchange = exchange
        execution.order_type = order_type
        execution.open_close = open_close
        execution.transaction_type = transaction_type
        execution.codes = codes
        execution.correction = correction
        execution.level = ExecutionLevel.EXECUTION
        execution.where = self._where
        execution.row = row
        execution.__class__ = StatementExecution
        return account, execution

    def _day(self, text: str) -> date | None:
        if text in NOTHING:
            return None
        found = self._moments[text]
        if found.doubt:
            raise ValueError(found.doubt)
        return found.on


def _text(text: str) -> str:
    return "" if text in NOTHING else text.strip()


def _quantity(text: str) -> tuple[Decimal, bool]:
    """How much it is, and whether it is written as less than nothing."""
    number = a_number(text)
    return abs(number), number < 0


def _number(text: str) -> Decimal | None:
    return None if text in NOTHING else a_number(text)


def _own_number(text: str) -> Decimal | None:
    """As `_number`, of what no other fill has: to look for it among those that are kept would cost more."""
    return None if text in NOTHING else a_number.__wrapped__(text)


def _cost(text: str) -> Decimal | None:
    return None if text in NOTHING else 0 - a_number(text)


def _security(texts: tuple[str, ...]) -> tuple[str, ...]:
    symbol, currency, *others, commission_currency = map(_text, texts)
    if not symbol or not currency:
        raise ValueError(texts)
    return (symbol, currency, *others, commission_currency or currency)


def _circumstances(texts: tuple[str, ...]) -> _Circumstances:
    level, side, codes_text, *others = texts
    if side not in SIDES or (level and level != EXECUTION):
        raise ValueError(texts)
    plain = _text(codes_text)
    codes = () if plain in NOTHING else codes_of(plain)
    transaction_type, *rest = map(_text, others)
    correction = correction_of(codes, transaction_type, is_cancelled=False)
    return _Circumstances(SIDES[side], codes, correction, transaction_type, *rest)
