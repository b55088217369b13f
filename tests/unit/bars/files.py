"""Files of bars and corporate actions, written line by line as a person would."""

import gzip
from pathlib import Path

BARS_HEADER = "symbol,timestamp,open,high,low,close,volume"
ACTIONS_HEADER = "symbol,ex_date,kind,ratio,amount"
GOOD_BAR = "AAPL,2012-01-03T00:00:00Z,58.49,58.93,58.43,58.75,75555200"
NEXT_BAR = "AAPL,2012-01-04T00:00:00Z,58.57,59.24,58.47,59.06,65005500"


def csv_file(folder: Path, *lines: str, name: str = "bars.csv", header: str = BARS_HEADER) -> Path:
    path = folder / name
    text = "\n".join([header, *lines]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def actions_file(folder: Path, *lines: str, header: str = ACTIONS_HEADER) -> Path:
    return csv_file(folder, *lines, name="corporate_actions.csv", header=header)
