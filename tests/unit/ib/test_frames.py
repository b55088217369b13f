"""Messages come out of packets as the library cuts them, however the packets are cut."""

import struct
from collections.abc import Sequence
from typing import Any

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
