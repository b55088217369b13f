"""The bundled sample: five US symbols, daily, 2000 to 2013, real and in the public domain (see README.md)."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent

SAMPLE_BARS: Final = _HERE / "bars_1d.csv.gz"
SAMPLE_CORPORATE_ACTIONS: Final = _HERE / "corporate_actions.csv"
SAMPLE_SYMBOLS: Final = _HERE / "symbols.csv"
SAMPLE_VENDOR_ADJ_CLOSE: Final = _HERE / "vendor_adj_close.csv.gz"
