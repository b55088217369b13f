"""What can be held: the classes of assets that the tax law tells apart."""

from enum import StrEnum


class AssetClass(StrEnum):
    """The kind of a security, as the column `asset_class` of `fills.csv` names it."""

    STOCK = "stock"
    ETF = "etf"
    OPTION = "option"
    INDEX_OPTION = "index_option"
    FUTURE = "future"
    CRYPTO = "crypto"
