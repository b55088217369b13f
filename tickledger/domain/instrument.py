"""What can be held: the classes of assets that the tax law tells apart, and what an option is a right to."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class AssetClass(StrEnum):
    """The kind of a security, as the column `asset_class` of `fills.csv` names it."""

    STOCK = "stock"
    ETF = "etf"
    OPTION = "option"
    INDEX_OPTION = "index_option"
    FUTURE = "future"
    CRYPTO = "crypto"


class OptionRight(StrEnum):
    """What the holder of an option may do with the underlying shares: buy them or sell them."""

    CALL = "C"
    PUT = "P"


@dataclass(frozen=True, slots=True)
class OptionContract:
    """The terms of an option: `multiplier` shares of `underlying` for each contract, at `strike` USD a share."""

    underlying: str
    expiry: date
    strike: Decimal
    right: OptionRight
    multiplier: Decimal = Decimal(100)

    @property
    def name(self) -> str:
        """The contract as statements print it: ``AAPL 2025-01-17 150 C``."""
        return f"{self.underlying} {self.expiry} {self.strike.normalize():f} {self.right}"
