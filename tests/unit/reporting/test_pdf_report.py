"""The PDF as a reader's text: pages, headings, watermarks, and tables that stay on the paper."""

from datetime import date
from decimal import Decimal
from io import BytesIO

from pypdf import PdfReader

from tests.unit.reporting.books import cover, standing
from tickledger.reporting import tax_reports as r
from tickledger.reporting.open_lots import open_lots_report
from tickledger.reporting.pdf_report import pdf
from tickledger.reporting.tax_reports import Report, ReportKind, Section
from tickledger.reporting.tax_reports_gains import gains_report

MARK = "SIMULATED - NOT FOR FILING"


def texts(file: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(file)).pages]


def table(rows: int, *, word: str = "word") -> Section:
    return r.table(
        "things",
        "Things",
        range(rows),
        [
            (r.text("word", "Word"), lambda number: f"{word} {number}"),
            (r.day("day", "Day"), lambda _: date(2025, 1, 2)),
            (r.money("amount", "Amount"), lambda number: Decimal(number) / 4 - 3),
            (r.detail("id", "Id"), lambda number: f"secret_{number}"),
        ],
    )


def of(*sections: Section, watermark: str | None = None) -> bytes:
    return pdf(cover(watermark=watermark), [Report(ReportKind.GAINS, "Report", sections, notes=("A note.",))])


def test_every_page_has_its_number_the_taxpayer_and_the_watermark() -> None:
    pages = texts(of(table(120), watermark=MARK))
    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in text
        assert "Jane & Joe, all accounts" in text
        assert text.count(MARK) == 2  # at the top and across the page


def test_live_accounts_have_no_watermark() -> None:
    assert all("NOT FOR FILING" not in text for text in texts(of(table(3))))


def test_headings_are_repeated_rows_are_there_once_and_sums_are_at_the_end() -> None:
    pages = texts(of(table(120)))
    body = pages[1:]
    assert all("Word" in text and "Amount" in text for text in body)
    words = " ".join(body)
    assert all(words.count(f"word {number}\n") == 1 for number in range(120))
    assert f"{sum(Decimal(n) / 4 - 3 for n in range(120)):,.2f}" in body[-1]


def test_ids_are_left_off() -> None:
    assert "secret" not in " ".join(texts(of(table(3))))


def test_an_empty_table_says_so() -> None:
    assert "Nothing to show." in texts(of(table(0)))[-1]


def test_letters_that_the_fonts_lack_and_markup_do_no_harm() -> None:
    text = texts(of(table(2, word="<b>株&\N{MINUS SIGN}é")))[-1]
    assert "<b>?&-é 0" in text


def test_long_words_stay_within_the_page() -> None:
    section = r.table(
        "wide",
        "Wide",
        [1],
        [(r.text(f"c{n}", f"Column {n}"), lambda _: "A long text of many words " * 3) for n in range(14)],
    )
    reader = PdfReader(BytesIO(of(section)))
    right: list[float] = []

    def seen(text: str, _matrix: object, tm: list[float], _font: object, _size: object) -> None:
        if text.strip():
            right.append(tm[4])

    reader.pages[-1].extract_text(visitor_text=seen)
    assert max(right) < float(reader.pages[-1].mediabox.width)


def test_real_reports_are_readable_and_the_same_every_time() -> None:
    history = "B1 2025-01-02 buys 100 X @ 10\nS1 2025-02-03 sells 60 X @ 7\nB2 2025-02-10 buys 10 X @ 8\n"
    basis = standing(history, "2025-12-01", closes={"X": "9.5"})
    reports = [gains_report(basis), open_lots_report(basis)]
    first, second = (pdf(cover(), reports) for _ in range(2))
    assert first == second
    told = " ".join(texts(first))
    for words in ("Realized gains 2025", "Open lots", "Unrealized by term", "2025-02-03", "-150.00", "9.50"):
        assert words in told


def test_a_long_table_has_every_row_once_and_one_sum() -> None:
    pages = " ".join(texts(of(table(2100)))[1:])
    assert all(pages.count(f"word {number}\n") == 1 for number in (0, 999, 1000, 1999, 2000, 2099))
    assert pages.count("Total\n") == 1
