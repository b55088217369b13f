"""A case as the files that a program reads, and what the program wrote."""

import csv
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from tests.golden.tax.conformance.comparing import differences
from tests.golden.tax.conformance.suite import History, Row

FILL_COLUMNS: Final = (
    "execution_id",
    "order_id",
    "account",
    "symbol",
    "side",
    "quantity",
    "price",
    "gross_amount",
    "commission",
    "executed_at",
    "lots",
)
OPTION_COLUMNS: Final = ("asset_class", "underlying", "expiry", "strike", "right", "multiplier")
ACTION_COLUMNS: Final = (
    "symbol",
    "ex_date",
    "kind",
    "ratio",
    "amount",
    "new_symbol",
    "fmv_old",
    "fmv_new",
    "cash_in_lieu",
)
_PRICE_DIGITS: Final = Decimal("1e-10")


def write_inputs(history: History, folder: Path) -> list[str]:
    """Write the files of a history; returns the arguments that name them."""
    has_options = any("asset_class" in fill for fill in history.fills)
    columns = (*FILL_COLUMNS, *OPTION_COLUMNS) if has_options else FILL_COLUMNS
    _write(folder / "fills.csv", columns, map(_fill_row, history.fills))
    accounts = [{"account": name, "kind": kind, "owner": "taxpayer"} for name, kind in history.accounts.items()]
    _write(folder / "accounts.csv", ("account", "kind", "owner"), accounts)
    _write(folder / "corporate_actions.csv", ACTION_COLUMNS, history.corporate_actions)
    files = {"--fills": "fills.csv", "--accounts": "accounts.csv", "--corporate-actions": "corporate_actions.csv"}
    named = [part for option, name in files.items() for part in (option, str(folder / name))]
    return [*named, "--method", history.method]


def _fill_row(fill: Row) -> Row:
    multiplier = Decimal(fill.get("multiplier", "1"))
    price = Decimal(fill["gross_amount"]) / Decimal(fill["quantity"]) / multiplier
    told = {"order_id": fill["execution_id"], "price": f"{price.quantize(_PRICE_DIGITS):f}", "commission": "0"}
    return told | dict(fill)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _read(path: Path) -> list[Mapping[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def problems_of(history: History, *, command: Sequence[str], folder: Path) -> list[str]:
    """Run the command once for each tax year, all in `folder`; returns what is not as expected."""
    arguments = write_inputs(history, folder)
    gains: list[Row] = []
    open_lots: list[Row] = []
    for year in history.years:
        out = folder / year
        done = subprocess.run(
            [*command, *arguments, "--year", year, "--out", str(out)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return [f"exit status {done.returncode}: {done.stderr.strip()[-500:]}"]
        gains += _read(out / "gains.csv")
        # What is open at the end of the file is the same whichever year is asked for.
        open_lots = list(_read(out / "lots.csv"))
    return differences(history, gains=gains, open_lots=open_lots)
