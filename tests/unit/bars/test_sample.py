"""The bundled sample is whole, described, and free to be shipped."""

import pandas as pd

from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_SYMBOLS
from tickledger.bars.sources import read_bars_file


def test_every_symbol_of_the_bars_is_described() -> None:
    symbols = pd.read_csv(SAMPLE_SYMBOLS)
    assert symbols.columns.tolist() == ["symbol", "company_name", "sector", "industry", "exchange"]
    assert symbols.notna().all(axis=None)
    assert set(symbols["symbol"]) == set(read_bars_file(SAMPLE_BARS)[0]["symbol"])


def test_the_notice_of_public_domain_lies_beside_the_data() -> None:
    notice = (SAMPLE_BARS.parent / "README.md").read_text()
    assert "Notice of public domain" in notice
    assert all(path.name in notice for path in SAMPLE_BARS.parent.iterdir() if path.suffix in {".gz", ".csv"})
