"""Messages come out of packets as the library cuts them, however the packets are cut."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.ib import library
from tickledger.ib.frames import Frames

_HANDSHAKE = (("176", "20130327 12:00:00 EST"), ("9", "1", "1"), ("15", "1", "DU1"))
FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
MESSAGES = st.lists(st.lists(FIELDS, min_size=1, max_size=6).map(tuple), max_size=12)


def framed(fields: Sequence[str]) -> bytes:
    text = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(text)) + text


def decoded(packets: Sequence[bytes]) -> list[tuple[str, ...]]:
    """What the library is given to decode after the handshake."""
    ib: Any = library.new_ib(time_zone="UTC")
    ib.client.startApi = lambda: None
    Frames(ib.client)
    told: list[tuple[str, ...]] = []
    ib.client.decoder.interpret = lambda fields: told.append(tuple(fields))
    for packet in packets:
        ib.client.conn.hasData.emit(packet)
    return told


@given(MESSAGES, st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_every_message_comes_once_and_in_order_wherever_packets_are_cut(
    messages: list[tuple[str, ...]], lengths: list[int]
) -> None:
    rest, packets = b"".join(map(framed, (*_HANDSHAKE, *messages))), list[bytes]()
    while rest:
        length = lengths[len(packets) % len(lengths)]
        packets.append(rest[:length])
        rest = rest[length:]
    assert decoded(packets) == [*_HANDSHAKE[1:], *messages]


def test_a_message_that_is_no_utf_8_is_spelled_and_the_next_one_comes() -> None:
    start = b"".join(map(framed, _HANDSHAKE))
    odd = struct.pack(">I", 3) + b"4\xff\0"
    assert decoded([start, odd + framed(("9", "1", "2"))])[2:] == [("4\\xff",), ("9", "1", "2")]


NUMBERS = st.one_of(
    st.integers(-5, 99).map(str),
    st.floats(0, 1e6).map(repr),
    st.sampled_from(["", "1.7976931348623157E308", "100.", "x", "0"]),
)
TICKS = st.tuples(st.just("1"), st.just("6"), NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.just("1"))
MALFORMED = st.lists(NUMBERS, max_size=8).map(lambda fields: ("1", *fields))


@given(st.lists(st.one_of(TICKS, MALFORMED), max_size=12))
def test_a_tick_price_is_what_the_library_reads_in_it(messages: list[tuple[str, ...]]) -> None:
    told: list[tuple[float, ...]] = []
    alone: list[tuple[float, ...]] = []
    ours, theirs = listening(told), listening(alone)
    Frames(ours.client)
    for packet in map(framed, (*_HANDSHAKE, *messages)):
        ours.client.conn.hasData.emit(packet)
        theirs.client.conn.hasData.emit(packet)
    assert told == alone


def test_a_listener_that_fails_costs_its_own_tick_alone(caplog: pytest.LogCaptureFixture) -> None:
    told: list[float] = []

    def listener(_number: int, _kind: int, price: float, _size: float) -> None:
        told.append(price)
        if price == 1:
            raise RuntimeError("no such line")

    ib = listening([])
    ib.wrapper.priceSizeTick = listener
    Frames(ib.client)
    ticks = [framed(("1", "6", "7", "1", price, "100", "1")) for price in ("1", "2")]
    for packet in (*map(framed, _HANDSHAKE), b"".join(ticks)):
        ib.client.conn.hasData.emit(packet)
    assert told[-1] == 2
    assert "no such line" in caplog.text


def listening(told: list[tuple[float, ...]]) -> Any:
    """A client of the library that has told `told` of every tick price."""
    ib: Any = library.new_ib(time_zone="UTC")
    ib.client.startApi = lambda: None
    ib.wrapper.priceSizeTick = lambda *tick: told.append(tick)
    return ib
