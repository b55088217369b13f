"""The cases as values. A row is a line of one of the files that ``docs/formats.md`` describes, by column name.

``cases/schema.json`` is the format for programs in other languages; a test holds the files to it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

CASES: Final = Path(__file__).resolve().parents[1] / "cases"

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """What one taxpayer did, and the rows that follow: every gain, and every lot that is open at the end.

    `accounts` maps an account to its kind. `policies` says which reading of an unsettled point the rows take,
    where they depend on one. An IRA's own sales have no gains.
    """

    method: str
    policies: Row
    accounts: Row
    fills: tuple[Row, ...]
    corporate_actions: tuple[Row, ...]
    gains: tuple[Row, ...]
    open_lots: tuple[Row, ...]

    @property
    def years(self) -> list[str]:
        """The tax years in which something is sold or paid, and the last one of the fills."""
        closing = [fill["executed_at"] for fill in self.fills if fill["side"] != "BUY"]
        paying = [action["ex_date"] for action in self.corporate_actions]
        sold = [gain["sold_date"] for gain in self.gains]
        return sorted({day[:4] for day in (*closing, *paying, *sold, self.fills[-1]["executed_at"])})


@dataclass(frozen=True, slots=True)
class FormRow:
    """A row of Form 8949 to be completed: codes in any order and columns (d), (e), (g) in, (f) and (h) out."""

    proceeds: Decimal
    basis: Decimal
    codes: tuple[str, ...]
    adjustment: Decimal
    expected_codes: str
    expected_gain_loss: Decimal


@dataclass(frozen=True, slots=True)
class CapitalLoss:
    """A year's net results and taxable income in, the deduction and what is carried to the next year out."""

    net_short_term: Decimal
    net_long_term: Decimal
    taxable_income: Decimal
    expected_deduction: Decimal
    expected_short_term: Decimal
    expected_long_term: Decimal


@dataclass(frozen=True, slots=True)
class Case:
    """A question and the answer, with where it comes from.

    `stated` lists what the source itself says, `derived` what was worked out to make rows of it. `is_disputed`:
    the law is unsettled, or the source conflicts with it; `note` says how.
    """

    id: str
    topic: str
    title: str
    source: Row
    stated: tuple[str, ...]
    derived: str
    is_disputed: bool
    note: str
    question: History | FormRow | CapitalLoss


def read_cases(folder: Path = CASES) -> list[Case]:
    """Every case, topic by topic."""
    paths = sorted(path for path in folder.glob("*.json") if path.name != "schema.json")
    return [_case(raw, topic=path.stem) for path in paths for raw in json.loads(path.read_text(encoding="utf-8"))]


def _case(raw: Mapping[str, Any], *, topic: str) -> Case:
    return Case(
        id=raw["id"],
        topic=topic,
        title=raw["title"],
        source=raw["source"],
        stated=tuple(raw["stated"]),
        derived=raw["derived"],
        is_disputed=raw["disputed"],
        note=raw["note"],
        question=_QUESTIONS[raw["asks"]](raw),
    )


def _history(raw: Mapping[str, Any]) -> History:
    return History(
        method=raw["method"],
        policies=raw["policies"],
        accounts=raw["accounts"],
        fills=tuple(raw["fills"]),
        corporate_actions=tuple(raw["corporate_actions"]),
        gains=tuple(raw["expected"]["gains"]),
        open_lots=tuple(raw["expected"]["open_lots"]),
    )


def _form_row(raw: Mapping[str, Any]) -> FormRow:
    given, expected = raw["given"], raw["expected"]
    return FormRow(
        proceeds=Decimal(given["proceeds"]),
        basis=Decimal(given["basis"]),
        codes=tuple(given["codes"]),
        adjustment=Decimal(given["adjustment"]),
        expected_codes=expected["codes"],
        expected_gain_loss=Decimal(expected["gain_loss"]),
    )


def _capital_loss(raw: Mapping[str, Any]) -> CapitalLoss:
    given, expected = raw["given"], raw["expected"]
    return CapitalLoss(
        net_short_term=Decimal(given["net_short_term"]),
        net_long_term=Decimal(given["net_long_term"]),
        taxable_income=Decimal(given["taxable_income"]),
        expected_deduction=Decimal(expected["deduction"]),
        expected_short_term=Decimal(expected["carried_short_term"]),
        expected_long_term=Decimal(expected["carried_long_term"]),
    )


_QUESTIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], History | FormRow | CapitalLoss]]] = {
    "history": _history,
    "form_row": _form_row,
    "capital_loss": _capital_loss,
}
