"""The other processes' side of the cache: what the session knows now, as the domain's own values.

Whatever is None has ended or was never told; nothing here says that it is zero. A dashboard that has to be right asks
the ledger; this is for what has to be fresh.
"""

import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tickledger.cache.json_text import from_fields, from_json
from tickledger.cache.keys import Kind, Scope
from tickledger.cache.store import CacheDownError, Message, Resubscribed, Source
from tickledger.domain.bar import Bar, Quote
from tickledger.domain.errors import CacheUnavailableError, InputError, Problem
from tickledger.domain.live_view import (
    ExposureSummary,
    IntervalBar,
    LimitsInForce,
    LivePosition,
    LiveValue,
    MarketSnapshot,
    PortfolioSummary,
    SessionBeat,
)
from tickledger.domain.signal import Signal

Value = TypeVar("Value")
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Update:
    """Values of one kind that have changed, the latest of each."""

    kind: Kind
    values: tuple[LiveValue, ...]


class CacheReader:
    """Reads the values of one scope.

    Raises CacheUnavailableError while the server cannot be reached, and InputError for a value that is none of ours.
    """

    def __init__(self, source: Source, scope: Scope) -> None:
        self._source = source
        self._scope = scope

    async def close(self) -> None:
        await self._source.close()

    async def quote(self, symbol: str) -> Quote | None:
        """The best bid and offer of a symbol, no older than five minutes."""
        snapshot = await self.snapshot(symbol)
        return snapshot.quote if snapshot else None

    async def snapshot(self, symbol: str) -> MarketSnapshot | None:
        """Quote, last print and volume of a symbol."""
        return await self._one(Kind.QUOTE, symbol, of=MarketSnapshot)

    async def snapshots(self, symbols: Iterable[str]) -> dict[str, MarketSnapshot]:
        """Those of `symbols` that are known, by symbol."""
        keys = [self._scope.key(Kind.QUOTE, symbol) for symbol in symbols]
        found = await self._read(Kind.QUOTE, keys, of=MarketSnapshot)
        return {snapshot.symbol: snapshot for snapshot in found}

    async def bars(self, symbol: str, interval: str) -> tuple[Bar, ...]:
        """The last bars of a symbol, oldest first; none where none are known."""
        key = self._scope.key(Kind.BARS, symbol, interval)
        with self._told_as_unavailable():
            (text,) = await self._source.read([key])
        if text is None:
            return ()
        with _told_as_input(key, text):
            return tuple(_of(IntervalBar, value).bar for value in _values(Kind.BARS, text))

    async def position(self, symbol: str) -> LivePosition | None:
        """What is held of a symbol; zero shares where it was closed lately."""
        return await self._one(Kind.POSITION, symbol, of=LivePosition)

    async def positions(self) -> tuple[LivePosition, ...]:
        """All positions of the account, by symbol."""
        return tuple(await self._all(Kind.POSITION, of=LivePosition))

    async def portfolio(self) -> PortfolioSummary | None:
        """What the account is worth."""
        return await self._one(Kind.PORTFOLIO, of=PortfolioSummary)

    async def signal(self, strategy: str, symbol: str) -> Signal | None:
        """A strategy's opinion on a symbol, no older than a quarter of an hour."""
        return await self._one(Kind.SIGNAL, strategy, symbol, of=Signal)

    async def signals(self) -> tuple[Signal, ...]:
        """All opinions, by strategy and symbol."""
        return tuple(await self._all(Kind.SIGNAL, of=Signal))

    async def limits(self) -> LimitsInForce | None:
        """The limits that the session enforces."""
        return await self._one(Kind.LIMITS, of=LimitsInForce)

    async def exposure(self) -> ExposureSummary | None:
        """What is at stake."""
        return await self._one(Kind.EXPOSURE, of=ExposureSummary)

    async def session(self) -> SessionBeat | None:
        """How the session is; None where it has not said so for half a minute."""
        return await self._one(Kind.SESSION, of=SessionBeat)

    async def subscribe(self, kinds: Sequence[Kind]) -> AsyncGenerator[Update | Resubscribed]:
        """What changes from now on, for as long as somebody listens.

        `Resubscribed` comes first and after each loss of the connection: then is the time to read what holds. Text that
        is no message of ours is passed over.
        """
        channels = {self._scope.channel(kind): kind for kind in kinds}
        async with aclosing(self._source.listen(tuple(channels))) as told:
            async for one in told:
                if isinstance(one, Resubscribed):
                    yield one
                elif (update := _update(channels[one.channel], one)) is not None:
                    yield update

    async def _one(self, kind: Kind, *parts: str, of: type[Value]) -> Value | None:
        found = await self._read(kind, [self._scope.key(kind, *parts)], of=of)
        return found[0] if found else None

    async def _all(self, kind: Kind, *, of: type[Value]) -> Sequence[Value]:
        with self._told_as_unavailable():
            keys = await self._source.keys(self._scope.prefix(kind))
        return await self._read(kind, keys, of=of)

    async def _read(self, kind: Kind, keys: Sequence[str], *, of: type[Value]) -> Sequence[Value]:
        """The values at those of `keys` where there is one."""
        with self._told_as_unavailable():
            texts = await self._source.read(keys)
        return [_value(kind, key, text, of) for key, text in zip(keys, texts, strict=True) if text is not None]

    @contextmanager
    def _told_as_unavailable(self) -> Iterator[None]:
        try:
            yield
        except CacheDownError as error:
            raise CacheUnavailableError(
                f"expected the Redis at {self._source.shown} to answer, found: {error}"
            ) from error


def _value(kind: Kind, key: str, text: str, of: type[Value]) -> Value:
    with _told_as_input(key, text):
        return _of(of, from_json(kind, text))


def _values(kind: Kind, text: str) -> Iterator[LiveValue]:
    """The values of a JSON array."""
    parsed: Any = json.loads(text)
    if not isinstance(parsed, list):
        raise ValueError(f"expected an array, found {type(parsed).__name__}")  # noqa: TRY004  a text that is none of ours
    return (from_fields(kind, fields) for fields in parsed)


def _of(kind: type[Value], value: LiveValue) -> Value:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, found {type(value).__name__}")
    return value


def _update(kind: Kind, message: Message) -> Update | None:
    try:
        return Update(kind, tuple(_values(kind, message.text)))
    except ValueError:
        return None


@contextmanager
def _told_as_input(key: str, text: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InputError([Problem(key, "a value as Tickledger writes it", f"{text[:_SHOWN]!r} ({error})")]) from error
