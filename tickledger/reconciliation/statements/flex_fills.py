"""Fills of a Flex file by the hundred thousand: rows that leave no doubt, read by a plan made once for their layout.

All rows of one query have the same attributes in the same order, so where each stands is found out once. Texts that
repeat (symbols, days, amounts) are understood once and kept as one object. A row in which anything is out of the
ordinary is given back: `flex_trades` reads it cell by cell and notes what is wrong. Of a row that is read here both
make the same fill.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Final, TypeVar

from tickledger.domain.order import OrderSide
from tickledger.reconciliation.statement import Correction, ExecutionLevel, StatementExecution
from tickledger.reconciliation.statements.cells import NOTHING, codes_of
from tickledger.reconciliation.statements.flex_trades import SIDES, correction_of, names_in
from tickledger.reconciliation.statements.flex_xml import FlexElement
from tickledger.reconciliation.statements.numbers import a_number
from tickledger.reconciliation.statements.place import Place

Value = TypeVar("Value")

#: The elements that stand for a fill where they carry no other level of detail.
FILLS: Final = frozenset({"Trade", "TradeConfirm"})
EXECUTION: Final = "EXECUTION"
_MOST_KEPT: Final = 1 << 16
_ONE: Final = Decimal(1)
#: A fill while it is written: a field of an immutable row costs several times as much to set, and a fill has forty. It
#: has the same slots, and becomes the row when all of them are set.
_Draft: Final[Callable[..., StatementExecution]] = make_dataclass(
    "_Draft",
    [(each.name, each.type, field(default=each.default)) for each in fields(StatementExecution)],
    slots=True,
    kw_only=True,
    eq=False,
    repr=False,
)


class _Kept(dict[str, Value]):
    """What texts mean, found out once for each that repeats; raises what `understand` raises."""

    __slots__ = ("_understand",)

    def __init__(self, understand: Callable[[str], Value]) -> None:
        super().__init__()
        self._understand = understand

    def __missing__(self, text: str) -> Value:
        found = self._understand(text)
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[text] = found
        return found


@dataclass(slots=True)
class FillLayout:
    """The attributes of rows of one element, where those of a fill stand in them, and how many rows were read.

    `picked` takes the values of a fill out of a row to which an empty text was added. `counts` are by the account that
    the rows name.
    """

    parent: str
    tag: str
    names: list[str]
    picked: Callable[[Sequence[str]], tuple[str, ...]]
    counts: Counter[str] = field(default_factory=Counter)


def fill_layout(element: FlexElement) -> FillLayout:
    """The layout of an element and of all that have the same attributes."""
    names = element.names
    words = names_in(names)
    places = {name: 2 * number + 1 for number, name in enumerate(names)}
    wanted = (
        *("accountId", "levelOfDetail", "symbol", "currency", "tradeID", "transactionID", "orderReference"),
        *("origTradeID", "conid", "isin", "cusip", "assetCategory", "description", "exchange", "orderType"),
        *("openCloseIndicator", "transactionType", words.execution_id, words.order_id, words.commission_currency),
        *(words.codes, "buySell", "quantity", words.price, "dateTime", "tradeDate", words.settles, "multiplier"),
        *("proceeds", words.commission, words.taxes, "cost", "fifoPnlRealized", "fxRateToBase"),
    )
    return FillLayout(element.parent, element.tag, names, itemgetter(*(places.get(name, -1) for name in wanted)))


class FillReader:
    """Reads the fills of one file that leave no doubt."""

    def __init__(self, place: Place) -> None:
        self._where = place.name
        self._moments = place.moments
        self._texts = _Kept(_text)
        self._numbers = _Kept(_number)
        self._costs = _Kept(_cost)
        self._days = _Kept(self._day)
        self._codes = _Kept(_codes)
        self._corrections: dict[tuple[str, str], Correction] = {}

    def fill(self, layout: FillLayout, element: FlexElement) -> tuple[str, StatementExecution] | None:
        """The account that the row names and its fill; None of a row that has to be read cell by cell."""
        try:
            return self._fill(layout.picked([*element.written, ""]), element.row)
        except (ValueError, ArithmeticError):
            return None

    def _fill(self, values: Sequence[str], row: int) -> tuple[str, StatementExecution] | None:
        # fmt: off
        (
            account, level, symbol, currency, trade_id, transaction_id, order_ref,
            original_trade_id, conid, isin, cusip, asset_class, description, exchange, order_type,
            open_close, transaction_type, execution_id, order_id, commission_currency,
            codes, side_text, quantity_text, price_text, at_text, day_text, settles, multiplier,
            proceeds, commission, taxes, cost, realized, fx_rate,
        ) = values
        # fmt: on
        texts, numbers, days = self._texts, self._numbers, self._days
        side, quantity, price = SIDES.get(side_text), numbers[quantity_text], numbers[price_text]
        symbol, currency, executed = texts[symbol], texts[currency], self._moments(at_text)
        if not symbol or not currency or side is None or quantity is None or price is None:
            return None
        correction = self._corrections.get((codes, transaction_type))
        if correction is None:
            correction = self._correction(codes, transaction_type)
        is_doubtful = side is OrderSide.BUY and quantity < 0 and correction is not Correction.CANCELS
        if is_doubtful or executed.doubt or (level and level != EXECUTION):
            return None
        execution = _Draft(
            symbol=symbol,
            side=side,
            quantity=abs(quantity),
            price=price,
            currency=currency,
            executed_on=executed.on,
            trade_date=days[day_text] or executed.on,
            executed_at=executed.at,
            settle_date=days[settles],
            ib_exec_id=_text(execution_id),
            trade_id=_text(trade_id),
            transaction_id=_text(transaction_id),
            order_id=texts[order_id],
            order_ref=texts[order_ref],
            original_trade_id=texts[original_trade_id],
            conid=texts[conid],
            isin=texts[isin],
            cusip=texts[cusip],
            asset_class=texts[asset_class],
            description=texts[description],
            multiplier=numbers[multiplier] or _ONE,
            proceeds=numbers[proceeds],
            commission=self._costs[commission],
            commission_currency=texts[commission_currency] or currency,
            taxes=self._costs[taxes],
            basis=numbers[cost],
            realized=numbers[realized],
            fx_rate_to_base=numbers[fx_rate],
            exchange=texts[exchange],
            order_type=texts[order_type],
            open_close=texts[open_close],
            transaction_type=texts[transaction_type],
            codes=self._codes[codes],
            correction=correction,
            level=ExecutionLevel.EXECUTION,
            where=self._where,
            row=row,
        )
        execution.__class__ = StatementExecution
        return account, execution

    def _correction(self, codes: str, transaction_type: str) -> Correction:
        found = correction_of(self._codes[codes], self._texts[transaction_type], is_cancelled=False)
        self._corrections[codes, transaction_type] = found
        return found

    def _day(self, text: str) -> date | None:
        if text in NOTHING:
            return None
        found = self._moments(text)
        if found.doubt:
            raise ValueError(found.doubt)
        return found.on


def _text(text: str) -> str:
    return "" if text in NOTHING else text.strip()


def _number(text: str) -> Decimal | None:
    return None if text in NOTHING else a_number(text)


def _cost(text: str) -> Decimal | None:
    return None if text in NOTHING else 0 - a_number(text)


def _codes(text: str) -> tuple[str, ...]:
    plain = _text(text)
    return () if plain in NOTHING else codes_of(plain)
