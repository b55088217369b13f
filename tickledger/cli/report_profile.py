"""What a taxpayer states for the reports: a small TOML file, or a table of names and values.

Every key is known; one that is not, or a value that cannot be used, is told with what was expected.
"""

import csv
import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from tickledger.domain.errors import InputError, Problem
from tickledger.execution.what_if import Rates
from tickledger.reporting.estimated_tax import Payment, TaxProfile
from tickledger.reporting.estimated_tax_tables import ReturnStatus
from tickledger.reporting.harvest_report import Reinvestment
from tickledger.reporting.open_lots_sold import PendingPurchase
from tickledger.tax.schedule_d import Carryover, FilingStatus

Value = TypeVar("Value")

#: Amounts of `TaxProfile` under their own names, none below zero.
_AMOUNTS: Final = (
    "investment_income",
    "qualified_dividends",
    "adjustments",
    "deductions",
    "other_taxes",
    "credits",
    "withholding",
    "last_year_tax",
)
#: Amounts that may be below zero.
_SIGNED: Final = ("other_income", "last_year_agi", "further_short_term", "further_long_term")
_CARRYOVERS: Final = ("carryover_short_term", "carryover_long_term")
_RATES: Final = ("rate_short", "rate_long")
_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "payments": ("on", "amount"),
    "purchases": ("account", "symbol", "quantity", "on"),
    "reinvest": ("account", "symbol"),
}
_KEYS: Final = (
    "tax_year",
    "filing_status",
    "aged_or_blind",
    *_SIGNED,
    *_AMOUNTS,
    *_CARRYOVERS,
    *_RATES,
    *_LISTS,
)
_PAYMENT: Final = "payment "
_MOST_BOXES: Final = 4


@dataclass(frozen=True, slots=True)
class Profile:
    """What was stated. `tax` is None without a filing status; `carryover` is by the year into which it is carried."""

    tax: TaxProfile | None = None
    rates: Rates | None = None
    filing_status: FilingStatus = FilingStatus.OTHER
    carryover: Mapping[int, Carryover] = field(default_factory=dict)
    purchases: tuple[PendingPurchase, ...] = ()
    reinvestments: tuple[Reinvestment, ...] = ()
    sha256: str = ""


def read_profile(path: Path) -> Profile:
    """The profile in a .toml or .csv file; raises InputError that names every key that cannot be used."""
    content = path.read_bytes()
    try:
        told = (
            _of_csv(content) if path.suffix.lower() == ".csv" else tomllib.loads(content.decode(), parse_float=Decimal)
        )
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, csv.Error) as error:
        raise InputError(
            [Problem(path.name, "a TOML file, or a .csv table of names and values", str(error))]
        ) from error
    return _Reading(path.name, told).profile(hashlib.sha256(content).hexdigest())


def _of_csv(content: bytes) -> dict[str, Any]:
    """Rows ``name,value``; a payment is named ``payment 2025-04-15``."""
    told: dict[str, Any] = {}
    for row in csv.reader(content.decode("utf-8-sig").splitlines()):
        cells = [cell.strip() for cell in row]
        if len(cells) < 2 or not cells[0] or cells == ["name", "value"]:  # noqa: PLR2004  a name and a value
            continue
        name, value = cells[0], cells[1]
        if name.startswith(_PAYMENT):
            told.setdefault("payments", []).append({"on": name.removeprefix(_PAYMENT), "amount": value})
        else:
            told[name] = value
    return told


@dataclass(slots=True)
class _Reading:
    """A file's keys being read; what is wrong with them is gathered, and told together."""

    where: str
    told: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)

    def profile(self, sha256: str) -> Profile:
        for name in self.told.keys() - set(_KEYS):
            self._complain(name, f"one of {', '.join(_KEYS)}", name)
        status = self._value("filing_status", ReturnStatus, f"one of {', '.join(ReturnStatus)}")
        year = self._value("tax_year", _a_year, "a year such as 2025")
        made = Profile(
            tax=self._tax(year, status),
            rates=self._rates(),
            filing_status=FilingStatus.OTHER if status is None else status.loss_limit,
            carryover=self._carryover(year),
            purchases=tuple(self._purchases()),
            reinvestments=tuple(
                Reinvestment(str(row["account"]), str(row["symbol"])) for row in self._rows("reinvest")
            ),
            sha256=sha256,
        )
        if self.problems:
            raise InputError(self.problems)
        return made

    def _tax(self, year: int | None, status: ReturnStatus | None) -> TaxProfile | None:
        boxes = self._value("aged_or_blind", _boxes, "a number of boxes, 0 to 4")
        amounts = {
            name: amount
            for names, parse in ((_AMOUNTS, _not_negative), (_SIGNED, _amount))
            for name in names
            if (amount := self._value(name, parse, _expected(parse))) is not None
        }
        payments = tuple(self._payments())
        if status is None or year is None:
            if amounts or payments:
                missing = "filing_status" if status is None else "tax_year"
                self._complain(missing, f"{missing}, which amounts of income and tax are about", "none")
            return None
        return TaxProfile(tax_year=year, status=status, payments=payments, aged_or_blind=boxes or 0, **amounts)

    def _payments(self) -> list[Payment]:
        made = []
        for row in self._rows("payments"):
            on = self._parsed("payments.on", row["on"], _a_date, "a date such as 2025-04-15")
            amount = self._parsed("payments.amount", row["amount"], _not_negative, _expected(_not_negative))
            if on is not None and amount is not None:
                made.append(Payment(on, amount))
        return made

    def _purchases(self) -> list[PendingPurchase]:
        made = []
        for row in self._rows("purchases"):
            on = self._parsed("purchases.on", row["on"], _a_date, "a date such as 2025-12-20")
            shares = self._parsed("purchases.quantity", row["quantity"], _positive, "a number of shares above 0")
            if on is not None and shares is not None:
                why = str(row.get("why", "planned, as stated"))
                made.append(PendingPurchase(str(row["account"]), str(row["symbol"]), shares, on, why))
        return made

    def _rates(self) -> Rates | None:
        short, long = (
            self._value(name, _rate, "a part of a dollar such as 0.37, from 0 to less than 1") for name in _RATES
        )
        if (short is None) != (long is None):
            missing = _RATES[short is not None]
            self._complain(missing, f"{missing}, together with the other rate", "none")
        return None if short is None or long is None else Rates(short, long)

    def _carryover(self, year: int | None) -> Mapping[int, Carryover]:
        short, long = (self._value(name, _not_negative, _expected(_not_negative)) for name in _CARRYOVERS)
        if short is None and long is None:
            return {}
        if year is None:
            self._complain("tax_year", "the year into which the carryover goes", "none")
            return {}
        return {year: Carryover(short or Decimal(0), long or Decimal(0))}

    def _rows(self, name: str) -> list[Mapping[str, Any]]:
        rows = self.told.get(name, [])
        needed = _LISTS[name]
        if not isinstance(rows, list):
            self._complain(name, f"a list of tables with {', '.join(needed)}", repr(rows))
            return []
        good = [row for row in rows if isinstance(row, Mapping) and set(needed) <= row.keys()]
        for row in rows:
            if row not in good:
                self._complain(name, f"a table with {', '.join(needed)}", repr(row))
        return good

    def _value(self, name: str, parse: Callable[[Any], Value], expected: str) -> Value | None:
        return None if name not in self.told else self._parsed(name, self.told[name], parse, expected)

    def _parsed(self, name: str, told: object, parse: Callable[[Any], Value], expected: str) -> Value | None:
        try:
            return parse(told)
        except (ValueError, ArithmeticError, TypeError):
            self._complain(name, expected, repr(told) if not isinstance(told, Decimal) else str(told))
            return None

    def _complain(self, column: str, expected: str, found: str) -> None:
        self.problems.append(Problem(self.where, expected, found, column=column))


def _amount(told: object) -> Decimal:
    if isinstance(told, bool) or not isinstance(told, int | str | Decimal):
        raise TypeError(told)
    amount = Decimal(told)
    if not amount.is_finite():
        raise ValueError(told)
    return amount


def _not_negative(told: object) -> Decimal:
    amount = _amount(told)
    if amount < 0:
        raise ValueError(told)
    return amount


def _positive(told: object) -> Decimal:
    amount = _amount(told)
    if amount <= 0:
        raise ValueError(told)
    return amount


def _rate(told: object) -> Decimal:
    rate = _not_negative(told)
    if rate >= 1:
        raise ValueError(told)
    return rate


def _a_year(told: object) -> int:
    year = _amount(told)
    if year % 1 or not date.min.year < year < date.max.year:
        raise ValueError(told)
    return int(year)


def _boxes(told: object) -> int:
    number = _amount(told)
    if number not in set(range(_MOST_BOXES + 1)):
        raise ValueError(told)
    return int(number)


def _a_date(told: object) -> date:
    if isinstance(told, datetime) or not isinstance(told, date | str):
        raise TypeError(told)
    return told if isinstance(told, date) else date.fromisoformat(told)


def _expected(parse: Callable[[Any], object]) -> str:
    return "an amount in USD, 0 or more" if parse is _not_negative else "an amount in USD"
