"""Any file: its format is recognized, and everything in it is accounted for."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import SHARED, shared_path
from tests.unit.reconciliation.statements import activity_text
from tests.unit.reconciliation.statements.flex_text import fill, trades
from tickledger.domain.errors import InputError
from tickledger.reconciliation.accounting import Fate, summed, totals
from tickledger.reconciliation.statement import StatementKind
from tickledger.reconciliation.statements.columns_1099b import ColumnMapping
from tickledger.reconciliation.statements.reading import HEAD, read_statement, recognized

SAMPLES = SHARED / "statements"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (trades(fill()), StatementKind.FLEX_XML),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<FlexQueryResponse>', StatementKind.FLEX_XML),
        ('<?xml version="1.0" encoding="utf-16"?><FlexQueryResponse/>'.encode("utf-16"), StatementKind.FLEX_XML),
        (activity_text.WHOLE.encode(), StatementKind.ACTIVITY_CSV),
        (
            b"Statement,Header,Field Name,Field Value\nStatement,Data,Title,Transaction History\n",
            StatementKind.TRANSACTION_HISTORY_CSV,
        ),
        (b"Title,Worksheet for Form 8949,2025,\n", StatementKind.WORKSHEET_8949_CSV),
        (b"1a,1b,1c,1d,1e\n", StatementKind.COLUMNS_1099B_CSV),
        (b'"Buy/Sell","TradeDate","ISIN"\n', StatementKind.COLUMNS_TRADES_CSV),
        (b"OFXHEADER:100\n", StatementKind.OFX_1099B),
        (b'<?xml version="1.0"?><?OFX OFXHEADER="200"?><OFX>', StatementKind.OFX_1099B),
    ],
)
def test_a_file_is_what_it_begins_like(head: bytes, kind: StatementKind) -> None:
    found = recognized(head)
    assert found is not None
    assert found.kind is kind


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a,b,c\n1,2,3\n", b"%PDF-1.7"])
def test_a_file_that_no_reader_knows_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="expected a Flex query in XML"):
        read_statement([content], name="what.bin")


def test_a_mapping_reads_what_is_not_recognized() -> None:
    mapping = ColumnMapping(name="mine", boxes={"1a": "what", "1c": "when", "1d": "how much"})
    found = read_statement([b"what,when,how much\nKITE,2025-03-10,5\n"], name="mine.csv", mapping=mapping)
    assert len(found.statements[0].form_1099b) == 1


def test_the_hash_is_of_the_whole_content() -> None:
    content = trades(*(fill(tradeID=str(number)) for number in range(400)))
    assert len(content) > HEAD
    whole = read_statement([content], name="x")
    assert whole == read_statement(iter([content[:10], content[10:]]), name="x")
    assert whole.source.sha256 != read_statement([content + b"\n"], name="x").source.sha256


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_that_they_are_not_known(content: bytes) -> None:
    with suppress(InputError):
        read_statement([content], name="noise")


def samples() -> Iterator[Path]:
    yield from sorted((*SAMPLES.glob("*/*.xml"), *SAMPLES.glob("*/*.csv")))


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_every_place_of_a_sample_is_read_or_left_aside_for_a_reason(path: Path) -> None:
    found = read_statement([path.read_bytes()], name=path.name)
    table = summed([found.accounting, *(statement.accounting for statement in found.statements)])
    assert found.statements
    assert not [line for line in table if line.fate is Fate.UNKNOWN]
    assert all(line.reason for line in table if line.fate is Fate.IGNORED)
    refused = sum(line.count for line in table if line.fate is Fate.REFUSED)
    assert refused <= sum(problem.severity == "error" for problem in found.all_problems)


def test_the_samples_are_accounted_for_in_a_table() -> None:
    """``pytest -s`` prints it."""
    shared_path("statements")
    for path in samples():
        found = read_statement([path.read_bytes()], name=path.name)
        table = summed([found.accounting, *(statement.accounting for statement in found.statements)])
        counts = totals(table)
        assert not counts[Fate.UNKNOWN]
        print(f"{path.name}: {found.source.kind}: {', '.join(f'{count} {fate}' for fate, count in counts.items())}")


def test_the_elements_of_other_queries_are_known() -> None:
    lines = shared_path("statements/ibflex/flex_elements.txt").read_text().splitlines()
    elements = [line.strip("'") for line in lines if line.startswith("'<")]
    text = "\n".join(element for element in elements if not element.startswith("<FlexStatement "))
    content = f'<FlexQueryResponse><FlexStatements><FlexStatement accountId="U123456">{text}</FlexStatement>'
    content += "</FlexStatements></FlexQueryResponse>"
    found = read_statement([content.encode()], name="elements")
    table = summed(statement.accounting for statement in found.statements)
    assert not [line for line in table if line.fate in {Fate.UNKNOWN, Fate.REFUSED}]
