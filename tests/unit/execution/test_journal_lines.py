"""The journal of a session's inputs: what was written comes back, a torn end is left out, anything else is refused."""

import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from types import UnionType
from typing import Any, Final
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading import limits, order, signal
from tickledger.domain.bar import Quote
from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.errors import InputError
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.market import Beat, MarketEvent, QuotesChanged
from tickledger.domain.order import OrderSide, RiskDecision
from tickledger.domain.ports import RemoteReport
from tickledger.domain.wash_sale import WashSaleEffect
from tickledger.execution import plain_values
from tickledger.execution.order_journal import AccountRecord
from tickledger.execution.plain_values import plain, restored
from tickledger.execution.session_journal import EVENT, SessionJournalWriter, of_kind, read_session_journal
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.session_terms import SessionTerms
from tickledger.risk.buying_power import MarginFacts

AT: Final = datetime(2012, 3, 1, 14, 30, tzinfo=UTC)
DAY: Final = date(2012, 3, 1)


def written(path: Path, count: int = 5) -> list[bytes]:
    """The lines of a journal of that many beats."""
    writer = SessionJournalWriter(path)
    for number in range(count):
        writer.write(EVENT, (AT, Beat(DAY, AT + timedelta(seconds=number))))
    writer.close()
    return path.read_bytes().splitlines(keepends=True)


def test_what_was_written_comes_back_in_order(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl")
    lines, left_out = read_session_journal(tmp_path / "a.jsonl")
    assert [line.number for line in lines] == [0, 1, 2, 3, 4]
    assert [event.occurred_at.second for _, event in of_kind(lines, EVENT)] == [0, 1, 2, 3, 4]
    assert left_out == []


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl")
    with pytest.raises(FileExistsError):
        SessionJournalWriter(tmp_path / "a.jsonl")


def test_lines_are_there_for_others_as_soon_as_they_are_written(tmp_path: Path) -> None:
    writer = SessionJournalWriter(tmp_path / "deep" / "a.jsonl")
    writer.write(EVENT, (AT, Beat(DAY, AT)))
    assert len(read_session_journal(tmp_path / "deep" / "a.jsonl")[0]) == 1
    writer.close()
    writer.close()


@given(data=st.data())
def test_wherever_the_end_is_torn_the_lines_before_it_stand(data: st.DataObject, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.jsonl"
    whole = b"".join(written(path))
    length = data.draw(st.integers(0, len(whole)))
    torn = whole[:length] + data.draw(st.sampled_from([b"", b"\0" * 100, b"half a line", b"\n\n"]))
    path.write_bytes(torn)
    lines, left_out = read_session_journal(path)
    # A line that lacks nothing but its end is whole again with the end that follows.
    complete = sum(torn.startswith(whole[: place + 1]) for place, byte in enumerate(whole) if byte == ord("\n"))
    assert [line.number for line in lines] == list(range(complete))
    assert len(left_out) <= 1


@given(data=st.data())
def test_a_byte_that_is_another_inside_refuses_the_journal(data: st.DataObject, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.jsonl"
    lines = written(path)
    inside = len(b"".join(lines[:-1]))
    place = data.draw(st.integers(0, inside - 2))
    whole = bytearray(b"".join(lines))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"a\.jsonl line \d"):
        read_session_journal(path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda lines: [*lines[:2], *lines[3:]], "expected line 2 with its checksum, found line 3"),
        (lambda lines: [*lines[:3], *lines[2:]], "expected line 3 with its checksum, found line 2"),
        (lambda lines: [*lines[:2], lines[3], lines[2], lines[4]], "expected line 2 with its checksum, found line 3"),
        (lambda lines: lines[1:], "expected line 0 with its checksum, found line 1"),
        (lambda lines: [*lines, lines[-1]], "expected line 5 with its checksum, found line 4"),
    ],
    ids=["missing", "twice", "exchanged", "the first", "the last twice"],
)
def test_a_number_that_is_not_the_next_refuses_the_journal(
    changed: Callable[[list[bytes]], list[bytes]], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(changed(written(path))))
    with pytest.raises(InputError, match=told):
        read_session_journal(path)


def test_an_empty_journal_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()
    assert read_session_journal(path) == ([], [])


@pytest.mark.parametrize(
    "text", [b"[0]", b"7", b"nothing", b'[0, "event", {"$": "Unheard"}]', b'[0, "event", {"$": "Beat", "a": 1}]']
)
def test_a_line_of_another_version_is_refused_with_words(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"%08x %b\n" % (crc32(text), text))
    with pytest.raises(InputError, match="expected values as this version writes them"):
        read_session_journal(path)


@pytest.mark.parametrize(
    "value",
    [
        Quote("A", AT, Decimal("10.00"), Decimal("1E+2"), 1, 2),
        QuotesChanged(DAY, AT + timedelta(microseconds=1), ()),
        order("SELL 5 A STOP_LIMIT 9.50 9.40"),
        signal("BUY A 2012-01-03"),
        tuple(limits()),
        {OrderSide.SELL: Decimal("Infinity"), date(2012, 2, 29): timedelta(days=-1, microseconds=3)},
        frozenset({"b"}),
        {"$": "Beat", "$d": "12"},
    ],
)
def test_a_value_comes_back_as_what_it_was(value: object) -> None:
    there = restored(plain(value))
    assert there == value
    assert type(there) is type(value)
    assert repr(there) == repr(value)


def test_what_is_no_value_of_the_trading_core_is_not_written() -> None:
    with pytest.raises(TypeError, match="expected a value of the trading core, found <object"):
        plain(object())


INSTANTS: Final = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001  the zone is drawn beside
    max_value=datetime(2050, 1, 1),  # noqa: DTZ001  the same
    timezones=st.just(UTC),
)
SIMPLE: Final[Mapping[Any, st.SearchStrategy[Any]]] = {
    datetime: INSTANTS,
    date: st.dates(),
    Decimal: st.decimals(allow_nan=False, places=4, min_value=1, max_value=10**9),
    Fraction: st.fractions(min_value=1, max_denominator=1000),
    timedelta: st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=300)),
    float: st.floats(allow_nan=False),
    str: st.text(max_size=5),
    int: st.integers(),
    bool: st.booleans(),
    type(None): st.none(),
    SessionPolicy: st.builds(SessionPolicy, stop_loss=st.none() | st.just(Decimal("0.05"))),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; sequences are told as tuples."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if is_dataclass(kind):
        return st.builds(
            typing.cast("type[Any]", kind), **{name: values_of(hint) for name, hint in hints_of(kind).items()}
        )
    return values_within(typing.get_origin(kind), typing.get_args(kind))


def values_within(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin in {typing.Union, UnionType}:
        return st.one_of(*map(values_of, arguments))
    if origin is tuple and arguments[-1] is not ...:
        return st.tuples(*map(values_of, arguments))
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(values_of(arguments[0]), max_size=2)
    assert issubclass(origin, Mapping)
    return st.dictionaries(*map(values_of, arguments), max_size=2)


def hints_of(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def classes_in(kind: Any) -> set[type]:
    """The dataclasses and enums that a value of a type may hold."""
    if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Enum)):
        held = hints_of(kind).values() if is_dataclass(kind) else ()
        return {kind}.union(*map(classes_in, held))
    return set().union(*map(classes_in, typing.get_args(kind)))


#: What is written into a journal: terms, the record, events, reports, snapshots, facts of risk, decisions.
WRITTEN: Final = (
    *(SessionTerms, AccountRecord, MarketEvent, RemoteReport, BrokerSnapshot),
    *(KillSwitchState, MarginFacts, WashSaleEffect, RiskDecision),
)


@pytest.mark.parametrize("kind", WRITTEN, ids=str)
def test_whatever_is_written_comes_back_as_what_it_was(kind: Any) -> None:
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(value=values_of(kind))
    def check(value: object) -> None:
        assert restored(json.loads(json.dumps(plain(value)))) == value

    check()


def test_every_class_that_may_be_written_is_known_by_its_name() -> None:
    written_classes: set[type] = set().union(*map(classes_in, WRITTEN))
    assert {kind.__name__: kind for kind in written_classes}.items() <= plain_values._CLASSES.items()
