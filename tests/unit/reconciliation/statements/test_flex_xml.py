"""Whatever the bytes, the parser tells all elements before the fault, and where the fault is."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.reconciliation.statements.flex_text import fill, flex, section, statement, trades
from tickledger.reconciliation.statements.flex import read_flex
from tickledger.reconciliation.statements.flex_xml import FlexElement, FlexStop, flex_events

FILLS = 12
WHOLE = trades(*(fill(ibExecID=f"x{number}") for number in range(FILLS)))


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_anywhere_keeps_its_whole_rows(length: int) -> None:
    cut = WHOLE[:length]
    found = read_flex([cut], name="cut.xml")
    ids = [row.ib_exec_id for statement in found.statements for row in statement.executions]
    assert ids == [f"x{number}" for number in range(cut.count(b'levelOfDetail="EXECUTION" />'))]
    is_whole = cut.rstrip().endswith(b"</FlexQueryResponse>")
    assert is_whole or found.problems
    assert is_whole or not any(statement.is_complete for statement in found.statements)


def test_the_place_of_a_fault_is_named() -> None:
    bad = WHOLE.replace(b'ibExecID="x5"', b"ibExecID=x5")
    found = read_flex([bad], name="bad.xml")
    (problem,) = found.problems
    assert (problem.where, problem.row, problem.found) == ("bad.xml", 11, "not well-formed (invalid token)")
    assert problem.column is not None
    assert len(found.statements[0].executions) == 5


@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=8).map(sorted))
def test_pieces_may_be_cut_anywhere(cuts: list[int]) -> None:
    pieces = [WHOLE[start:end] for start, end in zip([0, *cuts], [*cuts, len(WHOLE)], strict=True)]
    whole, parted = read_flex([WHOLE], name="x"), read_flex(pieces, name="x")
    assert parted == whole


@given(st.binary(max_size=200))
def test_no_bytes_raise(content: bytes) -> None:
    assert read_flex([content], name="noise").problems


@given(st.binary(min_size=1, max_size=6), st.integers(0, len(WHOLE)))
def test_noise_inside_raises_nothing_and_takes_no_row_before_it(noise: bytes, place: int) -> None:
    found = read_flex([WHOLE[:place] + noise + WHOLE[place:]], name="noise")
    rows = sum(len(statement.executions) for statement in found.statements)
    assert rows >= WHOLE[:place].count(b'levelOfDetail="EXECUTION" />')


ENTITIES = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>
<FlexQueryResponse queryName="&lol2;" />"""
OUTSIDE = b"""<?xml version="1.0"?>
<!DOCTYPE f SYSTEM "file:///etc/hostname"><FlexQueryResponse queryName="q" />"""


@pytest.mark.parametrize("content", [ENTITIES, OUTSIDE])
def test_a_document_type_is_refused(content: bytes) -> None:
    (event,) = flex_events([content])
    assert isinstance(event, FlexStop)
    assert event.reason == "a document type, which is refused"
    assert not read_flex([content], name="x").statements


def test_an_encoding_that_nobody_knows_is_named() -> None:
    content = b'<?xml version="1.0" encoding="klingon"?><FlexQueryResponse/>'
    (event,) = flex_events([content])
    assert isinstance(event, FlexStop)
    assert "encoding" in event.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_declared_encoding_is_taken(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><A name="Müller &amp; Söhne"/>'
    (event,) = flex_events([text.encode(encoding)])
    assert event == FlexElement("A", "", ["name"], ["Müller & Söhne"], 1)
    assert event.attributes == {"name": "Müller & Söhne"}


def test_a_mark_of_the_byte_order_is_taken() -> None:
    assert len(read_flex([b"\xef\xbb\xbf" + WHOLE], name="x").statements[0].executions) == FILLS


def test_an_answer_of_the_web_service_that_is_no_statement_says_so() -> None:
    content = b"""<FlexStatementResponse timestamp='01 April, 2025 08:15 AM EDT'>
<Status>Warn</Status><ErrorCode>1019</ErrorCode><ErrorMessage>Statement generation in progress.</ErrorMessage>
</FlexStatementResponse>"""
    answer = read_flex([content], name="answer.xml")
    (problem,) = answer.problems
    assert not answer.statements
    assert problem.found == "an answer of the Flex Web Service: 1019, Statement generation in progress."


def test_a_page_is_no_statement() -> None:
    page = read_flex([b'<html lang="en"><body class="x">502 Bad Gateway</body></html>'], name="page")
    (problem,) = page.problems
    assert not page.statements
    assert (problem.expected, problem.found) == ("a FlexQueryResponse", "a file of <html>")


def test_a_file_without_statements_says_so() -> None:
    assert [problem.found for problem in read_flex([flex()], name="x").problems] == ["none"]
    assert not read_flex([flex(statement(section("Trades")))], name="x").problems


def test_the_hash_is_of_the_whole_file_also_where_reading_stops_early() -> None:
    bad = WHOLE.replace(b'ibExecID="x5"', b"ibExecID=x5")
    pieces = [bad[:4000], bad[4000:], b"<!-- more -->"]
    assert read_flex(pieces, name="bad").source.sha256 == hashlib.sha256(b"".join(pieces)).hexdigest()
