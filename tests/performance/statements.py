"""Reading large Flex files: CPU seconds and peak memory, beside the bare parser and a whole tree of the same file.

Each reading is a process of its own that gets the file in pieces. ``python -m tests.performance.statements`` prints the
table alone; ``--executions 100000`` reads a file of so many fills instead of one of 50 MB.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tickledger.reconciliation.joining import joined
from tickledger.reconciliation.statements.flex import read_flex
from tickledger.reconciliation.statements.flex_xml import flex_events

MEGABYTE: Final = 1_000_000
SIZE: Final = 50 * MEGABYTE
#: The peak that a statement of 50 MB may take, in MB.
LIMIT: Final = 300
_PIECE: Final = 1 << 16
_PER_DAY: Final = 400
_ROOT: Final = Path(__file__).resolve().parents[2]
#: Attributes that IB writes and nobody reads: a row of a full query is as long as this.
_REST: Final = " ".join(
    f'{name}=""'
    for name in (
        *(
            "acctAlias",
            "model",
            "securityID",
            "securityIDType",
            "listingExchange",
            "underlyingConid",
            "underlyingSymbol",
        ),
        *("underlyingSecurityID", "issuer", "strike", "expiry", "putCall", "principalAdjustFactor", "fxPnl", "mtmPnl"),
        *("clearingFirmID", "brokerageOrderID", "volatilityOrderLink", "exchOrderId", "extExecID", "orderTime"),
        *("openDateTime", "holdingPeriodDateTime", "whenRealized", "whenReopened", "traderID", "isAPIOrder"),
        *("serialNumber", "deliveryType", "commodityType", "fineness", "weight", "origTradeDate", "origOrderID"),
    )
)


@dataclass(frozen=True)
class Cost:
    """Of one reading: rows, CPU seconds and the peak of the process in MB."""

    rows: int
    cpu: float
    peak: float


def flex_file(path: Path, *, size: int = SIZE, executions: int | None = None) -> int:
    """Write a Flex file of `size` bytes, or of so many executions; gives how many it has."""
    count = 0
    with path.open("w") as file:
        file.write('<FlexQueryResponse queryName="bench" type="AF"><FlexStatements count="1">\n')
        file.write(
            '<FlexStatement accountId="U1" fromDate="20250101" toDate="20251231" whenGenerated="20260102;080000">\n'
        )
        file.write('<AccountInformation accountId="U1" currency="USD" />\n<Trades>\n')
        while count < executions if executions is not None else file.tell() < size:
            file.write(_row(count))
            count += 1
        file.write("</Trades>\n</FlexStatement></FlexStatements></FlexQueryResponse>\n")
    return count


def _row(number: int) -> str:
    """One fill; four hundred to a day, one every minute."""
    day, minute = number // _PER_DAY, number % _PER_DAY
    date = f"2025{1 + day // 28 % 12:02}{1 + day % 28:02}"
    time_of_day = f"{9 + minute // 60:02}{minute % 60:02}{number % 60:02}"
    side, sign = ("BUY", "") if number % 2 else ("SELL", "-")
    return (
        f'<Trade accountId="U1" currency="USD" fxRateToBase="1" assetCategory="STK" symbol="S{number % 500}" '
        f'description="COMPANY {number % 500}" conid="{900_000 + number % 500}" cusip="" isin="" multiplier="1" '
        f'tradeID="{5_000_000 + number}" reportDate="{date}" tradeDate="{date}" dateTime="{date};{time_of_day}" '
        f'settleDateTarget="{date}" transactionType="ExchTrade" exchange="ARCA" quantity="{sign}{1 + number % 300}" '
        f'tradePrice="{20 + number % 977 / 100:.2f}" proceeds="{number % 9973}.25" taxes="0" '
        f'ibCommission="-1.{number % 97:02}" ibCommissionCurrency="USD" closePrice="25" openCloseIndicator="O" '
        f'notes="P" cost="{number % 9973}.5" fifoPnlRealized="0" transactionID="{70_000_000 + number}" '
        f'buySell="{side}" ibOrderID="{31_000 + number // 3}" ibExecID="0000aaaa.{number:08x}.01.01" '
        f'orderReference="tl-{number // 3}" levelOfDetail="EXECUTION" orderType="LMT" {_REST} />\n'
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _read(path: Path) -> int:
    return sum(len(one.executions) for one in read_flex(_pieces(path), name=path.name).statements)


def _joined(path: Path) -> int:
    statements = read_flex(_pieces(path), name=path.name).statements
    return sum(len(one.executions) for one in joined([*statements, *statements]).statements)


def _events(path: Path) -> int:
    return sum(1 for _ in flex_events(_pieces(path)))


def _tree(path: Path) -> int:
    return sum(1 for _ in ET.parse(path).getroot().iter("Trade"))  # noqa: S314 - written a moment ago


_WAYS: Final[dict[str, tuple[str, Callable[[Path], int]]]] = {
    "read": ("statement, read in pieces", _read),
    "joined": ("statement, read and joined with itself", _joined),
    "events": ("anchor: the parser alone", _events),
    "tree": ("anchor: xml.etree, the whole tree", _tree),
}


def cost_of(way: str, path: Path) -> Cost:
    """Read `path` in a process of its own."""
    command = [sys.executable, "-m", "tests.performance.statements", "--way", way, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=_ROOT, env=dict(os.environ))
    rows, cpu, peak = ran.stdout.split()
    return Cost(int(rows), float(cpu), float(peak))


def table_of_statements(folder: Path, *, executions: int | None = None) -> Table:
    """Write a file into `folder`, read it in every way, and take it away again."""
    path = folder / "flex.xml"
    count = flex_file(path, executions=executions)
    size = path.stat().st_size / MEGABYTE
    table = Table(
        *("what", "rows", "CPU s", "peak MB", "limit MB", "ratio"),
        title=f"A Flex file of {size:.0f} MB, {count:,} fills",
    )
    costs = {way: cost_of(way, path) for way in _WAYS}
    path.unlink()
    for way, cost in costs.items():
        limit = str(LIMIT) if way == "read" else ""
        ratio = f"{cost.cpu / costs['events'].cpu:.1f}"
        table.add_row(_WAYS[way][0], f"{cost.rows:,}", f"{cost.cpu:.2f}", f"{cost.peak:.0f}", limit, ratio)
    return table


def _once(way: str, path: Path) -> None:
    started = time.process_time()
    rows = _WAYS[way][1](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    print(rows, time.process_time() - started, peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, help="so many fills instead of 50 MB")
    parser.add_argument("--way", choices=_WAYS, help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        _once(asked.way, asked.path)
        return
    with tempfile.TemporaryDirectory() as folder:
        Console().print(table_of_statements(Path(folder), executions=asked.executions))


if __name__ == "__main__":
    main()
