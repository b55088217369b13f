"""Plain trades by the hundred thousand as columns: a `Fill` of each is made when somebody asks for it.

What belongs here: what the engine asks of all fills at once, for purchases and sales of shares about which nothing
is out of the ordinary. Whatever else there is comes as a list of fills.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

from tickledger.domain.instrument import AssetClass, OptionContract
from tickledger.tax.cents import DIGITS
from tickledger.tax.fill_columns import SIDES, FillColumns, columns_of, units_of
from tickledger.tax.fills import PAYS, Fill

Value = TypeVar("Value")
Places = npt.NDArray[np.int64]

#: Amounts below this are exact in 64 bits, and the floating point numbers that tell so are near enough.
_WIDEST: Final = 1 << 62
_PAYS: Final = np.array([side in PAYS for side in SIDES])


@dataclass(frozen=True, slots=True, eq=False)
class Coded(Generic[Value]):
    """A column whose values repeat: `values`, and the place among them of each row's."""

    values: Sequence[Value]
    places: Places

    def __getitem__(self, row: int) -> Value:
        return self.values[int(self.places[row])]

    def of(self, rows: Places) -> "Coded[Value]":
        """The same of some rows, in the order in which they are named."""
        return Coded(self.values, self.places[rows])

    def by_first_use(self) -> "Coded[Value]":
        """The same with the values in the order in which they come first, without those that never do."""
        found, first, places = np.unique(self.places, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return Coded([self.values[number] for number in found[order].tolist()], rank[places])


@dataclass(frozen=True, slots=True, eq=False)
class FillTable(Sequence[Fill]):
    """Plain trades: sides of orders, positive quantities, ids that no other has, no choice of lots, stocks.

    `side` holds places in SIDES. `executed` has trade date and instant, None where only the date is known.
    """

    execution_ids: npt.NDArray[np.object_]
    order: Coded[str]
    account: Coded[str]
    symbol: Coded[str]
    side: Places
    quantity: Coded[Decimal]
    price: Coded[Decimal]
    commission: Coded[Decimal]
    executed: Coded[tuple[date, datetime | None]]
    row: Places

    def __len__(self) -> int:
        return len(self.execution_ids)

    @overload
    def __getitem__(self, number: int) -> Fill: ...

    @overload
    def __getitem__(self, number: slice) -> "FillTable": ...

    def __getitem__(self, number: "int | slice") -> "Fill | FillTable":
        if isinstance(number, slice):
            return self.of(np.arange(len(self))[number])
        trade_date, executed_at = self.executed[number]
        return Fill(
            execution_id=self.execution_ids[number],
            order_id=self.order[number],
            account_id=self.account[number],
            symbol=self.symbol[number],
            side=SIDES[int(self.side[number])],
            quantity=self.quantity[number],
            gross_amount=self.price[number] * self.quantity[number],
            commission=self.commission[number],
            trade_date=trade_date,
            executed_at=executed_at,
            row=int(self.row[number]),
        )

    def of(self, rows: Places) -> "FillTable":
        """The fills in those rows, in the order in which they are named."""
        return FillTable(
            execution_ids=self.execution_ids[rows],
            order=self.order.of(rows),
            account=self.account.of(rows),
            symbol=self.symbol.of(rows),
            side=self.side[rows],
            quantity=self.quantity.of(rows),
            price=self.price.of(rows),
            commission=self.commission.of(rows),
            executed=self.executed.of(rows),
            row=self.row[rows],
        )

    @property
    def last_date(self) -> date | None:
        """The trade date of the last."""
        return self.executed[len(self) - 1][0] if len(self) else None

    @property
    def account_ids(self) -> Collection[str]:
        """The accounts, in the order in which they come first."""
        return self.account.by_first_use().values

    @property
    def asset_classes(self) -> Mapping[str, AssetClass]:
        """What each symbol is."""
        return dict.fromkeys(self.symbol.by_first_use().values, AssetClass.STOCK)

    @property
    def contracts(self) -> Mapping[str, OptionContract]:
        """No fill is of an option."""
        return {}

    @property
    def quantities(self) -> set[Decimal]:
        """Every number of shares that is told."""
        return set(self.quantity.by_first_use().values)

    def of_accounts(self, account_ids: Collection[str]) -> "FillTable":
        """The fills in some accounts."""
        is_wanted = np.array([name in account_ids for name in self.account.values], dtype=bool)
        return self.of(np.flatnonzero(is_wanted[self.account.places]))

    def in_order(self) -> "FillTable":
        """As `fills.in_order`."""
        days = np.array([day.toordinal() for day, _ in self.executed.values], dtype=np.int64)
        instants = sorted({instant for _, instant in self.executed.values if instant is not None})
        rank = {instant: number for number, instant in enumerate(instants)}
        ranks = np.array([-1 if of is None else rank[of] for _, of in self.executed.values], dtype=np.int64)
        if instants:
            # Where the time of one fill of a day is unknown, the order of the input decides on that day.
            ranks[np.isin(days, days[ranks < 0])] = 0
        places = self.executed.places
        return self.of(np.lexsort((ranks[places], days[places])))

    def columns(self, *, share_units: int) -> FillColumns:
        """As `fill_columns.columns_of`."""
        net = self._net()
        if net is None:
            return columns_of(list(self), share_units=share_units)
        account, symbol = self.account.by_first_use(), self.symbol.by_first_use()
        # Accounts number their orders each for itself.
        of_account = self.account.places * len(self.order.values) + self.order.places
        order = Coded(range(int(of_account.max(initial=0)) + 1), of_account).by_first_use()
        units = np.array([units_of(quantity, share_units) for quantity in self.quantity.values])
        days = np.array([day.toordinal() for day, _ in self.executed.values], dtype=np.int64)
        return FillColumns(
            execution_ids=self.execution_ids.tolist(),
            accounts=account.values,
            symbols=symbol.values,
            account=account.places,  # type: ignore[arg-type]  # arrays are columns
            symbol=symbol.places,  # type: ignore[arg-type]
            side=self.side,  # type: ignore[arg-type]
            units=units[self.quantity.places],  # type: ignore[arg-type]
            net=net,  # type: ignore[arg-type]
            date=days[self.executed.places],  # type: ignore[arg-type]
            order=order.places,  # type: ignore[arg-type]
            orders=len(order.values),
            share_units=share_units,
            fills=self,
        )

    def _net(self) -> Places | None:
        """What was paid or received in all, money units; None where they are not whole, or need more than 64 bits."""
        prices, quantities = _Scaled.of(self.price.values), _Scaled.of(self.quantity.values)
        costs = _Scaled.of(self.commission.values)
        more = DIGITS - prices.digits - quantities.digits
        largest = prices.largest * quantities.largest * 10**more + costs.largest * 10 ** (DIGITS - costs.digits)
        if more < 0 or costs.digits > DIGITS or largest >= _WIDEST:
            return None
        gross = prices.numbers()[self.price.places] * quantities.numbers()[self.quantity.places] * 10**more
        commission = costs.numbers()[self.commission.places] * 10 ** (DIGITS - costs.digits)
        net: Places = np.where(_PAYS[self.side], gross + commission, gross - commission)
        return net


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Decimals as whole numbers of 10⁻ᵈⁱᵍⁱᵗˢ."""

    integers: Sequence[int]
    digits: int

    @classmethod
    def of(cls, values: Iterable[Decimal]) -> "_Scaled":
        told = list(values)
        digits = max((-int(value.as_tuple().exponent) for value in told), default=0)
        digits = max(digits, 0)
        return cls([int(value.scaleb(digits)) for value in told], digits)

    @property
    def largest(self) -> int:
        """The largest there is, whatever its sign."""
        return max(map(abs, self.integers), default=0)

    def numbers(self) -> Places:
        """As an array."""
        return np.array(self.integers, dtype=np.int64)
