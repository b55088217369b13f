"""Fills one by one: what the engine asks of all of them at once, answered by looking at each.

`fill_table` answers the same of plain trades, for long histories.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tickledger.domain.instrument import AssetClass, OptionContract
from tickledger.tax.fill_columns import FillColumns, columns_of
from tickledger.tax.fills import Fill
from tickledger.tax.option_legs import fold_legs


@dataclass(frozen=True, slots=True)
class FillList:
    """Fills of any kind, in the order in which they happened."""

    fills: Sequence[Fill]

    def __len__(self) -> int:
        return len(self.fills)

    @property
    def last_date(self) -> date | None:
        """The trade date of the last."""
        return self.fills[-1].trade_date if self.fills else None

    @property
    def account_ids(self) -> Collection[str]:
        """The accounts, in the order in which they come first."""
        return dict.fromkeys(fill.account_id for fill in self.fills)

    @property
    def asset_classes(self) -> Mapping[str, AssetClass]:
        """What each symbol is."""
        return {fill.symbol: fill.asset_class for fill in self.fills}

    @property
    def contracts(self) -> Mapping[str, OptionContract]:
        """The terms of the options."""
        return {fill.symbol: fill.contract for fill in self.fills if fill.contract is not None}

    @property
    def quantities(self) -> set[Decimal]:
        """Every number of shares that is told."""
        chosen = {choice.quantity for fill in self.fills for choice in fill.lots}
        return chosen | {fill.quantity for fill in self.fills}

    def of_accounts(self, account_ids: Collection[str]) -> "FillList":
        """The fills in some accounts."""
        return FillList([fill for fill in self.fills if fill.account_id in account_ids])

    def columns(self, *, share_units: int) -> FillColumns:
        """The columns, with each exercise once."""
        return columns_of(fold_legs(self.fills), share_units=share_units)
