"""What ``tickledger what-if`` does: read the history, find the lot, ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

from tickledger.cli import tax_files
from tickledger.cli.console import err
from tickledger.cli.file_rows import a_date, above_zero, not_negative
from tickledger.cli.ledger import opened_ledger
from tickledger.cli.tax_run import TaxFiles, policies_of, read_inputs
from tickledger.domain.account import AccountKind
from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.domain.lot import Lot
from tickledger.execution.tax_history import TaxHistory
from tickledger.execution.what_if import Rates, Trade, WhatIf, open_lots, what_if
from tickledger.tax.methods import Method, MethodSchedule

Value = TypeVar("Value")

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked, read from the options; `lot` or `symbol` is given, `quantity` None means the whole lot."""

    on: date
    lot: str | None = None
    symbol: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    charges: Decimal = _ZERO
    rates: Rates | None = None
    account: str | None = None

    @classmethod
    def of_options(cls, *, sell: str | None, buy: str | None, on: str, **told: str | None) -> "Wish":
        """The wish that the options' texts stand for; raises ConfigurationError naming the option that does not."""
        if (sell is None) == (buy is None):
            found = "neither" if sell is None else "both"
            raise ConfigurationError(f"--sell, --buy: expected one of them, found {found}")
        quantity = _option("quantity", told["quantity"], above_zero, "a number above 0")
        if buy is not None and quantity is None:
            raise ConfigurationError("--quantity: expected the number of shares to buy, found none")
        return cls(
            on=_option("on", on, a_date, "a date such as 2026-03-31") or date.min,
            lot=sell,
            symbol=buy,
            quantity=quantity,
            price=_option("price", told["price"], above_zero, "a number above 0"),
            charges=_option("charges", told["charges"], not_negative, "a number, 0 or more") or _ZERO,
            rates=_rates(told["rate_short"], told["rate_long"]),
            account=told["account"],
        )


@dataclass(frozen=True, slots=True)
class Source:
    """The history that is asked, and how its last prices are known; `closes` are by symbol, with their dates."""

    history: TaxHistory
    name: str
    closes: Callable[[str], tuple[Decimal, date] | None] = lambda _: None
    problems: Sequence[Problem] = field(default_factory=tuple)


def history_of_files(files: TaxFiles, *, method: Method, policies: Sequence[str]) -> Source:
    """The history that files tell, as ``tickledger tax`` reads them."""
    settings = policies_of(policies)
    inputs = read_inputs(files, tax_year=0)
    history = TaxHistory(
        fills=list(inputs.fills),
        accounts=inputs.accounts,
        corporate_actions=inputs.actions,
        methods=MethodSchedule(method, inputs.methods),
        policies=settings,
        identity=inputs.identity,
        opening_lots=inputs.opening_lots,
        left_out=inputs.left_out,
        where=inputs.where,
    )
    return Source(history, files.fills.name, problems=tuple(inputs.problems))


def history_of_ledger(wish: Wish, *, identity: Path | None, method: Method, policies: Sequence[str]) -> Source:
    """The history that the ledger has, with the closes that the wish may need."""
    from tickledger.db.market_data import last_close
    from tickledger.db.tax_history import read_tax_history

    settings = policies_of(policies)
    declared: Mapping[str, str] = {}
    problems: list[Problem] = []
    if identity is not None:
        declared, problems = tax_files.read_identity(identity)
    with opened_ledger() as engine:
        methods = MethodSchedule(method)
        history = read_tax_history(engine, methods=methods, policies=settings, identity=declared)
        symbols = {fill.symbol for fill in history.fills} | ({wish.symbol} if wish.symbol else set())
        closes = {} if wish.price else {name: last_close(engine, name, until=wish.on) for name in symbols}
    return Source(history, "the ledger", closes.get, problems)


def answered(source: Source, wish: Wish) -> WhatIf:
    """The answer; raises ConfigurationError for a wish that the history cannot meet."""
    for problem in source.problems:
        err.print(str(problem), style="red" if problem.severity == "error" else "yellow", markup=False)
    last = source.history.last_date
    if wish.on < last:
        raise ConfigurationError(
            f"--on: expected a date not before the last fill of {source.name}, {last}, found {wish.on}"
        )
    trade = _sale(source, wish) if wish.lot is not None else _purchase(source, wish)
    return what_if(source.history, trade, rates=wish.rates)


def _sale(source: Source, wish: Wish) -> Trade:
    lot = _lot(source, wish)
    quantity = wish.quantity or lot.quantity
    if quantity > lot.quantity:
        raise ConfigurationError(
            f"--quantity: expected at most the {lot.quantity.normalize():f} shares of {lot.symbol} left in {wish.lot}, "
            f"found {quantity.normalize():f}"
        )
    if wish.account is not None and wish.account != lot.account_id:
        raise ConfigurationError(f"--account: expected {lot.account_id}, whose lot {wish.lot} is, found {wish.account}")
    price = _price(source, wish, lot.symbol)
    return Trade(lot.account_id, lot.symbol, quantity, price, wish.on, charges=wish.charges, lot=lot)


def _lot(source: Source, wish: Wish) -> Lot:
    """The open lot that the wish names; shares of one purchase that lie in several lots are taken as one."""
    lots = open_lots(source.history, until=wish.on)
    named = [lot for lot in lots if lot.lot_id == wish.lot]
    opened = named or [lot for lot in lots if lot.open_execution_id == wish.lot]
    if not opened:
        expected = "the id of an open lot, or of the purchase that opened it"
        raise ConfigurationError(f"--sell: expected {expected}, found {wish.lot!r}. {_examples(lots, wish)}")
    if opened[0].quantity < 0:
        raise ConfigurationError(f"--sell: expected shares that are held, found the short position {wish.lot}")
    accounts = {lot.account_id for lot in opened} if wish.account is None else {wish.account}
    if len(accounts) > 1:
        raise ConfigurationError(
            f"--account: expected one of {', '.join(sorted(accounts))}, which all hold shares of {wish.lot}, found none"
        )
    mine = [lot for lot in opened if lot.account_id in accounts] or opened
    if len(mine) == 1:
        return mine[0]
    return replace(mine[0], lot_id="", quantity=sum((lot.quantity for lot in mine), _ZERO))


def _examples(lots: Sequence[Lot], wish: Wish) -> str:
    """Some lots that could have been meant: those of the symbol, where the wish names one."""
    longs = [lot for lot in lots if lot.quantity > 0]
    close = [lot for lot in longs if lot.symbol == wish.lot] or longs
    if not close:
        return "Nothing is held."
    told = [
        f"{lot.lot_id} ({lot.open_execution_id}: {lot.quantity.normalize():f} {lot.symbol} of {lot.acquired_date})"
        for lot in close[:_EXAMPLES]
    ]
    more = f" and {len(close) - _EXAMPLES} more" if len(close) > _EXAMPLES else ""
    return f"Open: {', '.join(told)}{more}."


def _purchase(source: Source, wish: Wish) -> Trade:
    symbol = wish.symbol or ""
    return Trade(
        account_id=_buyer(source.history, wish),
        symbol=symbol,
        quantity=wish.quantity or _ZERO,
        price=_price(source, wish, symbol),
        on=wish.on,
        charges=wish.charges,
    )


def _buyer(history: TaxHistory, wish: Wish) -> str:
    """The account that buys: the one that is named, or the only taxable one of a taxpayer's own."""
    kinds = {account.account_id: account.kind for account in history.accounts}
    known = list(dict.fromkeys([*kinds, *(fill.account_id for fill in history.fills)]))
    if wish.account is not None:
        if wish.account not in known:
            raise ConfigurationError(f"--account: expected one of {', '.join(known)}, found {wish.account}")
        return wish.account
    own = [name for name in known if kinds.get(name, AccountKind.TAXABLE) is AccountKind.TAXABLE]
    if len(own) != 1:
        raise ConfigurationError(f"--account: expected one of {', '.join(known) or 'the accounts'}, found none")
    return own[0]


def _price(source: Source, wish: Wish, symbol: str) -> Decimal:
    if wish.price is not None:
        return wish.price
    close = source.closes(symbol)
    if close is None:
        raise ConfigurationError(
            f"--price: expected a price for {symbol}, which {source.name} has no close of, found none"
        )
    err.print(f"--price: taken from the close of {close[1]}, {close[0]}", style="dim", markup=False)
    return close[0]


def _rates(short: str | None, long: str | None) -> Rates | None:
    if (short is None) != (long is None):
        missing, given = ("--rate-short", "--rate-long") if short is None else ("--rate-long", "--rate-short")
        raise ConfigurationError(f"{missing}: expected together with {given}, found none")
    of_short, of_long = _rate("rate-short", short), _rate("rate-long", long)
    return None if of_short is None or of_long is None else Rates(of_short, of_long)


def _rate(name: str, text: str | None) -> Decimal | None:
    expected = "a part of a dollar such as 0.37, from 0 to less than 1"
    rate = _option(name, text, not_negative, expected)
    if rate is not None and rate >= _ONE:
        raise ConfigurationError(f"--{name}: expected {expected}, found {text!r}")
    return rate


def _option(name: str, text: str | None, read: Callable[[str], Value], expected: str) -> Value | None:
    try:
        return None if text is None else read(text)
    except ValueError:
        raise ConfigurationError(f"--{name}: expected {expected}, found {text!r}") from None
