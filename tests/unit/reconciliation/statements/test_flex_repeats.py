"""Rows that are matched instead of parsed: what comes out is what the parser alone tells, whatever stands between."""

from typing import NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.reconciliation.statements.flex_repeats import WORTHWHILE, Repeats
from tickledger.reconciliation.statements.flex_xml import FlexElement, FlexStop, FlexText, flex_events

HEAD = b'<FlexQueryResponse type="AF">\n<FlexStatement accountId="U1">\n<Trades>\n'
TAIL = b"</Trades>\n</FlexStatement></FlexQueryResponse>\n"
ROW = b'<Trade symbol="ABC" quantity="5" notes="" />\n'
ALIKE = ROW * (WORTHWHILE + 1)


class Told(NamedTuple):
    """What a parser tells of a file: elements with their lines, texts behind the last tag of each, where it stops."""

    elements: list[tuple[str, str, dict[str, str], int]]
    texts: list[tuple[str, str]]
    stop: tuple[int, int, str] | None


def told_by_parser(content: bytes) -> Told:
    """What expat alone tells."""
    parser, told, around, text = ParserCreate(), Told([], [], None), [""], [""]

    def start(tag: str, attributes: dict[str, str]) -> None:
        told.elements.append((tag, around[-1], attributes, parser.CurrentLineNumber))
        around.append(tag)
        text.clear()

    def end(tag: str) -> None:
        if said := "".join(text).strip():
            told.texts.append((tag, said))
        around.pop()
        text.clear()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    try:
        parser.Parse(content, True)
    except ExpatError as error:
        return told._replace(stop=(error.lineno, error.offset + 1, str(error).partition(":")[0]))
    return told


def told(pieces: list[bytes]) -> Told:
    """What comes of a file in pieces."""
    events = list(flex_events(pieces))
    elements = [(one.tag, one.parent, one.attributes, one.row) for one in events if isinstance(one, FlexElement)]
    texts = [(one.tag, one.text) for one in events if isinstance(one, FlexText)]
    stops = [(one.row, one.column, one.reason) for one in events if isinstance(one, FlexStop)]
    assert not stops or isinstance(events[-1], FlexStop)
    return Told(elements, texts, stops[0] if stops else None)


_TEXTS = st.sampled_from(
    ["", "ABC", "-5.25", "a > b", "AT&amp;T", "Ä", "it's", " ", "tab\t", "two\nlines", "]]>", "/>"]
)
_ROWS = st.one_of(
    st.just(ROW.decode()),
    st.builds('<Trade symbol="{}" quantity="{}" notes="{}" />'.format, _TEXTS, _TEXTS, _TEXTS),
    st.builds("<Trade symbol='{}' quantity='5' notes=\"\" />".format, st.just("ABC")),
    st.builds('<Lot symbol="{}"/>'.format, _TEXTS),
    st.sampled_from(
        [
            '<Trade symbol="ABC" quantity="5" notes=""/>',
            '<Trade\n symbol="ABC" quantity="5" notes="" />',
            '<Trade symbol="ABC" notes="" quantity="5" />',
            '<Trade symbol="ABC" quantity="5" notes=""></Trade>',
            '<Trade symbol="ABC" quantity="5" notes="">text</Trade>',
            "<!-- " + ROW.decode() * 2 + " -->",
            "<![CDATA[" + ROW.decode() * 2 + "]]>",
            "<?target " + ROW.decode() * 2 + "?>",
            "text", "&#65;", "</Trades><Trades>", "<Lots>", "</Lots>", "<Empty/>",
        ]
    ),
)  # fmt: skip
_FAULTS = st.sampled_from(
    [
        "", '<Trade symbol="ABC" quantity="<" notes="" />', '<Trade symbol="A & B" quantity="5" notes="" />',
        '<Trade symbol="ABC" quantity="5" notes="" notes="" />', '<Trade symbol="ABC" quantity=5 notes="" />',
        '<Trade symbol="\x01" quantity="5" notes="" />', "]]>", "</Trade>", "<!DOCTYPE a>", "&unheard;", "\x00",
        '<Trade symbol="ABC" quantity="5" notes="" /', '<Trade symbol="ABC" ', TAIL.decode() + ROW.decode(),
    ]
)  # fmt: skip
_BLANKS = st.sampled_from(["", "\n", "\r\n", "\r", " ", "\n  ", "\t\n\n", "\r\r\n "])


@st.composite
def _contents(draw: st.DrawFn) -> bytes:
    rows = draw(st.lists(st.tuples(_ROWS, _BLANKS), max_size=12))
    rows.insert(draw(st.integers(0, len(rows))), (draw(_FAULTS), draw(_BLANKS)))
    many = draw(st.sampled_from([ALIKE, ALIKE + b'<Lot symbol="ABC"/>\n' * (WORTHWHILE + 1)]))
    return HEAD + many + ROW * 2 + "".join(row + blanks for row, blanks in rows).encode() + TAIL


@given(_contents(), st.lists(st.integers(0, 3000), max_size=6))
def test_what_is_matched_is_what_the_parser_tells(content: bytes, cuts: list[int]) -> None:
    # The first rows alike go by in a piece of their own: matching begins with the piece after it.
    places = sorted({len(HEAD + ALIKE), *cuts, len(content)})
    pieces = [content[start:end] for start, end in zip([0, *places], places, strict=False)]
    assert told(pieces) == told_by_parser(content)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<!-- ", b" -->"), (b"<![CDATA[", b"]]>"), (b"<?target ", b"?>"), (b"<Trade><!-- />", b"--></Trade>"),
        (b"<Trade><![CDATA[/>", b"]]></Trade>"), (b'<Trade notes="/>"><?target />', b"?></Trade>"),
    ],
)  # fmt: skip
def test_rows_that_are_none_are_not_matched(before: bytes, after: bytes) -> None:
    content = HEAD + ALIKE + ROW * 2 + before + ROW * 3 + after + ROW * 2 + TAIL
    found = told([HEAD + ALIKE, content[len(HEAD + ALIKE) :]])
    assert found == told_by_parser(content)
    assert sum(tag == "Trade" and names != {} for tag, _, names, _ in found.elements) >= WORTHWHILE + 3


@given(st.binary(max_size=4), st.integers(0, 10**6), st.sampled_from([b"\n", b"\r\n", b" "]))
def test_noise_is_where_the_parser_finds_it(noise: bytes, place: int, line_end: bytes) -> None:
    content = (HEAD + ALIKE + ROW * 20 + TAIL).replace(b"\n", line_end)
    place %= len(content)
    noisy = content[:place] + noise + content[place:]
    length = len((HEAD + ALIKE).replace(b"\n", line_end))
    assert told([noisy[:length], noisy[length:]]) == told_by_parser(noisy)


@pytest.mark.parametrize("encoding", ["utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16", "cp037"])
def test_in_every_encoding_rows_are_what_the_parser_tells(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + (HEAD + ALIKE + ROW * 5 + TAIL).decode()
    content = text.encode(encoding)
    pieces = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    assert told(pieces) == told_by_parser(content)


def test_rows_that_repeat_are_matched() -> None:
    repeats = Repeats()
    row = ROW.decode().strip()
    assert repeats.learn(row, "Trade", ["symbol", "quantity", "notes"], ["ABC", "5", ""])
    matched = repeats.match('/>\r\n <Trade symbol="X > Y" quantity="" notes="P" /></Trades>', 2)
    assert matched is not None
    pattern, found = matched
    assert (pattern.tag, pattern.names, found.groups()) == (
        "Trade", ["symbol", "quantity", "notes"], ("X > Y", "", "P")
    )  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        '<Trade symbol="A&amp;B" quantity="5" notes="" />', '<Trade symbol="A<B" quantity="5" notes="" />',
        '<Trade symbol="Ä" quantity="5" notes="" />', '<Trade symbol="A\tB" quantity="5" notes="" />',
        '<Trade symbol="A" quantity="5" notes="">', '<Trade symbol="A" quantity="5"  notes="" />',
        '<Trade symbol="A" quantity="5" notes="', '<Trade symbol="A" notes="" quantity="5" />', "",
    ],
)  # fmt: skip
def test_a_row_in_which_anything_is_different_is_left_to_the_parser(row: str) -> None:
    repeats = Repeats()
    assert repeats.learn(ROW.decode().strip(), "Trade", ["symbol", "quantity", "notes"], ["ABC", "5", ""])
    assert repeats.match(row, 0) is None


@pytest.mark.parametrize(
    ("written", "values"),
    [("<Trade symbol='A' />", ["A"]), ('<Trade symbol="A&amp;B" />', ["A&B"]), ('<Trade symbol="Ã¤" />', ["ä"]),
     ('<Trade symbol="A\tB" />', ["A B"]), ('<Trade\nsymbol="A" />', ["A"])],
)  # fmt: skip
def test_nothing_is_learned_of_a_row_that_the_parser_had_to_understand(written: str, values: list[str]) -> None:
    repeats = Repeats()
    assert not repeats.learn(written, "Trade", ["symbol"], values)
    assert repeats.match(written, 0) is None


def test_nothing_is_matched_in_an_encoding_that_may_write_letters_otherwise() -> None:
    repeats = Repeats()
    repeats.declare("shift_jis")
    assert not repeats.learn('<Trade symbol="A" />', "Trade", ["symbol"], ["A"])
