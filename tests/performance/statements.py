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
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.parsers.expat import ParserCreate
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.joining import joined
from tickledger.reconciliation.statements.flex import read_flex
from tickledger.reconciliation.statements.flex_xml import flex_events

MEGABYTE: Final = 1_000_000
SIZE: Final = 50 * MEGABYTE
#: The peak that a statement of 50 MB may take, in MB.
LIMIT: Final = 300
_PIECE: Final = 1 << 16
_PER_DAY: Final = 400
_SYMBOLS: Final = 500
#: One name of a company in so many has an ampersand, which a file writes as an entity.
_PLAIN_NAMES: Final = 20
_NEW_YORK: Final = ZoneInfo("America/New_York")
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


def flex_file(path: Path, *, size: int = SIZE, executions: int | None = None, only_read: bool = False) -> int:
    """Write a Flex file of `size` bytes, or of so many executions; gives how many it has.

    `only_read` leaves out the attributes that a query has with "Select All" and that nobody reads.
    """
    rest = "" if only_read else _REST
    count = 0
    with path.open("w") as file:
        file.write('<FlexQueryResponse queryName="bench" type="AF"><FlexStatements count="1">\n')
        file.write(
            '<FlexStatement accountId="U1" fromDate="20250101" toDate="20251231" whenGenerated="20260102;080000">\n'
        )
        file.write('<AccountInformation accountId="U1" currency="USD" />\n<Trades>\n')
        while count < executions if executions is not None else file.tell() < size:
            file.write(_row(count, rest=rest))
            count += 1
        file.write("</Trades>\n</FlexStatement></FlexStatements></FlexQueryResponse>\n")
    return count


def _row(number: int, *, rest: str) -> str:
    fill = our_fill(number)
    date, at = f"{fill.trade_date:%Y%m%d}", fill.executed_at.astimezone(_NEW_YORK)
    sign = "" if fill.side is OrderSide.BUY else "-"
    security = number % _SYMBOLS
    name = f"COMPANY {security}" if security % _PLAIN_NAMES else f"SMITH &amp; COMPANY {security}"
    proceeds = -fill.side.sign * fill.quantity * fill.price
    return (
        f'<Trade accountId="U1" currency="USD" fxRateToBase="1" assetCategory="STK" symbol="{fill.symbol}" '
        f'description="{name}" conid="{900_000 + security}" cusip="" isin="" multiplier="1" '
        f'tradeID="{5_000_000 + number}" reportDate="{date}" tradeDate="{date}" dateTime="{date};{at:%H%M%S}" '
        f'settleDateTarget="{date}" transactionType="ExchTrade" exchange="ARCA" quantity="{sign}{fill.quantity}" '
        f'tradePrice="{fill.price}" proceeds="{proceeds}" taxes="0" '
        f'ibCommission="-{fill.commission}" ibCommissionCurrency="USD" closePrice="25" openCloseIndicator="O" '
        f'notes="P" cost="{fill.commission - proceeds}" fifoPnlRealized="0" transactionID="{70_000_000 + number}" '
        f'buySell="{fill.side.name}" ibOrderID="{31_000 + number // 3}" ibExecID="{fill.execution_id}" '
        f'orderReference="{fill.order_id}" levelOfDetail="EXECUTION" orderType="LMT" {rest} />\n'
    )


def our_fill(number: int) -> Execution:
    """Our record of a fill of the file: four hundred to a day, three at one instant."""
    day, minute = number // _PER_DAY, number % _PER_DAY // 3 * 3
    on = date(2025, 1 + day // 28 % 12, 1 + day % 28)
    clock = time_of_day(9 + minute // 60, minute % 60, minute % 59)
    return Execution(
        execution_id=f"0000aaaa.{number:08x}.01.01",
        order_id=f"tl-{number // 3}",
        account_id="U1",
        symbol=f"S{number % _SYMBOLS}",
        side=OrderSide.BUY if number % 2 else OrderSide.SELL,
        quantity=Decimal(1 + number % 300),
        price=Decimal(2_000 + number % 977) / 100,
        commission=Decimal(f"1.{number % 97:02}"),
        fees=Decimal(0),
        executed_at=datetime.combine(on, clock, _NEW_YORK).astimezone(UTC),
        trade_date=on,
    )


def pieces(path: Path) -> Iterator[bytes]:
    """A file as it is taken, a little at a time."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def read(path: Path) -> int:
    """Read `path`; gives how many executions it has."""
    return sum(len(one.executions) for one in read_flex(pieces(path), name=path.name).statements)


def _joined(path: Path) -> int:
    statements = read_flex(pieces(path), name=path.name).statements
    return sum(len(one.executions) for one in joined([*statements, *statements]).statements)


def bare(path: Path) -> int:
    """Parse `path` and understand nothing; gives how many elements it has."""
    rows = list[str]()
    parser = ParserCreate()
    parser.StartElementHandler = lambda tag, _attributes: rows.append(tag)
    for piece in pieces(path):
        parser.Parse(piece, False)
    return len(rows)


def _events(path: Path) -> int:
    return sum(1 for _ in flex_events(pieces(path)))


def _tree(path: Path) -> int:
    return sum(1 for _ in ET.parse(path).getroot().iter("Trade"))  # noqa: S314 - written a moment ago


_WAYS: Final[dict[str, tuple[str, Callable[[Path], int]]]] = {
    "read": ("statement, read in pieces", read),
    "joined": ("statement, read and joined with itself", _joined),
    "events": ("elements alone, nothing understood", _events),
    "bare": ("anchor: expat alone", bare),
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
        ratio = f"{cost.cpu / costs['bare'].cpu:.1f}"
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
