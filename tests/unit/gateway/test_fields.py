"""Frames and fields: whatever is written is read again, however the bytes come, and nonsense is named."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.gateway.fields import (
    LONGEST_FRAME,
    FieldReader,
    FrameBuffer,
    MalformedMessageError,
    as_text,
    framed,
    message,
    split,
    text_frame,
)

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=8), max_size=6), st.data())
def test_messages_are_read_as_they_were_sent_in_pieces_of_any_size(
    messages: list[list[str]], data: st.DataObject
) -> None:
    stream = b"".join(message(*fields) for fields in messages)
    buffer, found = FrameBuffer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        buffer.feed(stream[:size])
        stream = stream[size:]
        while (payload := buffer.next()) is not None:
            found.append(split(payload))
    assert found == messages


@given(NUMBERS)
def test_a_number_is_read_as_it_was_written_and_never_with_an_exponent(number: Decimal) -> None:
    assert "E" not in as_text(number.normalize())
    assert FieldReader([as_text(number)]).decimal("price") == number


@given(st.integers(-(2**31), 2**31 - 2))
def test_whole_numbers_round_trip(number: int) -> None:
    assert FieldReader([as_text(number)]).integer("id") == number


@pytest.mark.parametrize("text", ["", "2147483647", "1.7976931348623157E308", "1.7976931348623157e+308"])
def test_what_clients_write_for_not_given_is_none(text: str) -> None:
    assert FieldReader([text]).integer("x") is None
    assert FieldReader([text]).decimal("x") is None
    assert FieldReader([text]).boolean("x") is False


@pytest.mark.parametrize("value", [None, "", 0, 1.5, True, Decimal("1E+3"), float("inf")])
def test_every_value_has_a_text(value: object) -> None:
    texts = {None: "", "": "", 0: "0", 1.5: "1.5", True: "1", Decimal(1000): "1000", float("inf"): "Infinity"}
    assert as_text(value) == texts[value]  # type: ignore[arg-type,index]


def test_a_nul_inside_a_text_does_not_make_two_fields() -> None:
    assert split(message("a\0b", "c")[4:]) == ["a b", "c"]


def test_the_fast_frame_is_the_plain_one() -> None:
    assert text_frame("1\x006\x005\x00") == message(1, 6, 5)


@pytest.mark.parametrize(
    ("read", "field", "expected"),
    [
        ("integer", "1.5", "whole number"),
        ("integer", "x", "whole number"),
        ("integer", "²", "whole number"),
        ("integer", "9" * 5_000, "whole number, found '9999"),
        ("identifier", "", "nothing"),
        ("decimal", "abc", "number"),
        ("decimal", "NaN", "number"),
        ("decimal", "٣", "number"),
        ("decimal", "1E+300", "number"),
        ("decimal", "0E+1000000", "number"),
        ("decimal", "1" * 5_000, "number"),
        ("boolean", "yes", "1 or 0"),
        ("count", "-1", "count"),
        ("count", "999", "count"),
    ],
)
def test_a_field_that_is_not_of_its_kind_is_named(read: str, field: str, expected: str) -> None:
    with pytest.raises(MalformedMessageError, match=f"^thing: .*{expected}"):
        getattr(FieldReader([field]), read)("thing")


def test_a_message_that_ends_early_is_malformed_unless_reading_is_lenient() -> None:
    with pytest.raises(MalformedMessageError, match="the end of the message"):
        FieldReader([]).text("symbol")
    assert FieldReader([], is_strict=False).text("symbol") == ""


def test_fields_that_are_left_over_are_malformed_unless_reading_is_lenient() -> None:
    with pytest.raises(MalformedMessageError, match="2 more fields"):
        FieldReader(["a", "b"]).end()
    FieldReader(["a", "b"], is_strict=False).end()


def test_a_length_that_no_client_sends_is_malformed_before_anything_is_kept() -> None:
    buffer = FrameBuffer()
    buffer.feed((LONGEST_FRAME + 1).to_bytes(4, "big"))
    with pytest.raises(MalformedMessageError, match="at most"):
        buffer.next()


def test_a_connection_that_begins_otherwise_is_malformed_at_its_first_wrong_byte() -> None:
    buffer = FrameBuffer()
    buffer.feed(b"AP")
    assert not buffer.take(b"API\0")
    buffer.feed(b"X")
    with pytest.raises(MalformedMessageError, match="begin with"):
        buffer.take(b"API\0")


def test_bytes_that_are_no_utf_8_do_not_stop_the_reading() -> None:
    assert split(framed(b"a\xff\0")[4:]) == ["a\\xff"]
