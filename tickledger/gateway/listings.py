"""The securities the gateway lists, and which of them a client's contract means.

Every symbol of the tape is a stock with a contract id of its own, which is the same in every run. Its increments
are those of Reg. NMS rule 612: a cent from one dollar up, a hundredth of a cent below.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.gateway.placed_order import Terms

STOCK: Final = "STK"
CURRENCY: Final = "USD"
SMART: Final = "SMART"
VALID_EXCHANGES: Final = ("SMART", "AMEX", "NYSE", "CBOE", "ARCA", "NASDAQ", "BATS", "IEX", "BYX", "EDGEA", "IBKRATS")
#: TWS knows NASDAQ under both names.
_SAME_EXCHANGE: Final = {"ISLAND": "NASDAQ"}
ORDER_TYPES: Final = "MKT,LMT,STP,STPLMT,TRAIL,TRAILLMT,MOC,LOC,DAY,GTC,GTD,GAT,IOC,FOK,OPG,OCA,ALGO,WHATIF"
ONE_DOLLAR: Final = Decimal(1)
CENT: Final = Decimal("0.01")
SUB_PENNY: Final = Decimal("0.0001")
MARKET_RULE: Final = 26
_USUAL_EXCHANGE: Final = "NASDAQ"
_FIRST_CONTRACT: Final = 10_000_000
_CONTRACTS: Final = 900_000_000


@dataclass(frozen=True, slots=True)
class SecurityName:
    """What a person knows of a symbol besides its prices; an exchange that is not known is empty."""

    long_name: str
    exchange: str = ""
    industry: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A stock as IB lists it."""

    contract_id: int
    symbol: str
    name: SecurityName

    @property
    def primary_exchange(self) -> str:
        """Where it is listed; NASDAQ where that is not known."""
        return self.name.exchange or _USUAL_EXCHANGE


def is_on_increment(price: Decimal) -> bool:
    """Whether a price is one at which a stock may be quoted."""
    return price % (CENT if abs(price) >= ONE_DOLLAR else SUB_PENNY) == 0


class Directory:
    """All listings, by symbol and by contract id."""

    def __init__(self, symbols: Iterable[str], names: Mapping[str, SecurityName] | None = None) -> None:
        self._by_symbol: dict[str, Listing] = {}
        self._by_contract: dict[int, Listing] = {}
        self._names = names or {}
        for symbol in sorted(symbols):
            self._list(symbol)

    def _list(self, symbol: str) -> Listing:
        name = self._names.get(symbol, SecurityName(long_name=symbol))
        listing = Listing(self._free_contract_id(symbol), symbol, name)
        self._by_symbol[symbol] = listing
        self._by_contract[listing.contract_id] = listing
        return listing

    def _free_contract_id(self, symbol: str) -> int:
        number = _FIRST_CONTRACT + zlib.crc32(symbol.encode()) % _CONTRACTS
        while number in self._by_contract:
            number += 1
        return number

    def symbols(self) -> Iterable[str]:
        """Every symbol, in alphabetical order."""
        return self._by_symbol.keys()

    def of_symbol(self, symbol: str) -> Listing:
        """The listing of a symbol; one that came to be by a corporate action is listed when it is first asked for."""
        return self._by_symbol.get(symbol) or self._list(symbol)

    def of_contract_id(self, contract_id: int) -> Listing | None:
        """The listing with that contract id, if there is one."""
        return self._by_contract.get(contract_id)

    def find(self, contract: Terms) -> Listing | None:
        """The listing a requested contract means, None where it means none of these (IB's error 200)."""
        listing = self._named(contract)
        if listing is None or not _is_listed_on(contract["exchange"], contract["primaryExchange"], listing):
            return None
        if contract["secType"] not in {"", STOCK} or contract["currency"] not in {"", CURRENCY}:
            return None
        return listing

    def _named(self, contract: Terms) -> Listing | None:
        contract_id = contract["conId"]
        if contract_id not in {"", "0"}:
            listing = self._by_contract.get(int(contract_id))
            return None if listing and contract["symbol"] not in {"", listing.symbol} else listing
        if not contract["secType"]:
            return None
        return self._by_symbol.get(contract["symbol"] or contract["localSymbol"])

    def matching(self, pattern: str) -> list[Listing]:
        """Listings whose symbol begins with `pattern` or whose name has it, in alphabetical order."""
        wanted = pattern.strip().casefold()
        found = (
            listing
            for listing in self._by_symbol.values()
            if listing.symbol.casefold().startswith(wanted) or wanted in listing.name.long_name.casefold()
        )
        return list(found) if wanted else []


def _is_listed_on(exchange: str, primary: str, listing: Listing) -> bool:
    exchange, primary = (_SAME_EXCHANGE.get(name, name) for name in (exchange, primary))
    listed_on = {listing.name.exchange} if listing.name.exchange else VALID_EXCHANGES
    return exchange in {"", *VALID_EXCHANGES} and primary in {"", SMART, *listed_on}
