"""Redis behind the two protocols of the store.

The publisher's side has one connection, which it opens itself: a pool would replace a lost one in silence, and a lost
connection may mean a server that has forgotten everything, so the publisher has to know. Where nobody listens,
`ensure` is asked, which starts an embedded server again.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError, ResponseError  # noqa: A004  its own, beside Python's
from redis.retry import Retry

from tickledger.cache.store import CacheDownError, Entry, Message, Resubscribed
from tickledger.domain.errors import ConfigurationError

_ANSWER_SECONDS: Final = 1.0
_SILENCE_SECONDS: Final = 5.0
_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 5.0
_SCAN_COUNT: Final = 1_000
OPTIONS: Final[dict[str, Any]] = {
    "protocol": 2,
    "decode_responses": True,
    "socket_timeout": _ANSWER_SECONDS,
    "socket_connect_timeout": _ANSWER_SECONDS,
}


@contextmanager
def _told_as_down() -> Iterator[None]:
    """What the client, the system or the embedded server says of a server that is not there, in our one word."""
    try:
        yield
    except (RedisError, ConfigurationError, OSError) as error:
        raise CacheDownError(str(error) or type(error).__name__) from error


class RedisSink:
    """The publisher's side; used by one thread at a time."""

    def __init__(self, url: str, *, shown: str, ensure: Callable[[], None]) -> None:
        self.shown = shown
        self._ensure = ensure
        self._connection = redis.ConnectionPool.from_url(url, **OPTIONS, retry=Retry(NoBackoff(), 0)).make_connection()

    def open(self) -> None:
        """Connect anew; raises CacheDownError where that fails."""
        with _told_as_down():
            self._connection.disconnect()
            try:
                self._connection.connect()
            except ConnectionError:  # nobody listens; a server that hangs is a TimeoutError
                self._ensure()
                self._connection.connect()
            self._send([("PING",)])

    def write(self, entries: Sequence[Entry], messages: Sequence[Message]) -> Sequence[str | None]:
        """One round trip; why each entry was refused, None where it was not. Raises CacheDownError."""
        commands = [("SET", entry.key, entry.text, "PX", _milliseconds(entry)) for entry in entries]
        told = [("PUBLISH", message.channel, message.text) for message in messages]
        with _told_as_down():
            answers = self._send([*commands, *told] or [("PING",)])
        return answers[: len(entries)]

    def close(self) -> None:
        self._connection.disconnect()

    def _send(self, commands: Sequence[tuple[str | int, ...]]) -> list[str | None]:
        connection = self._connection
        connection.send_packed_command(connection.pack_commands(commands))
        return [self._answer() for _ in commands]

    def _answer(self) -> str | None:
        """Why the command was refused; a command is refused by itself, without those around it."""
        try:
            self._connection.read_response()
        except ResponseError as error:
            return str(error)
        return None


def _milliseconds(entry: Entry) -> int:
    return max(int(entry.seconds * 1000), 1)


class RedisSource:
    """The reader's side; used in one event loop."""

    def __init__(self, url: str, *, shown: str) -> None:
        self.shown = shown
        self._client = redis.asyncio.Redis.from_url(url, **OPTIONS, retry=AsyncRetry(NoBackoff(), 1))

    async def read(self, keys: Sequence[str]) -> Sequence[str | None]:
        """The text at each key; raises CacheDownError."""
        if not keys:
            return []
        with _told_as_down():
            return [str(text) if text is not None else None for text in await self._client.mget(keys)]

    async def keys(self, prefix: str) -> Sequence[str]:
        """The keys that begin with `prefix`, which has nothing in it that means something in a pattern."""
        with _told_as_down():
            return sorted({key async for key in self._client.scan_iter(f"{prefix}*", count=_SCAN_COUNT)})

    async def listen(self, channels: Sequence[str]) -> AsyncGenerator[Message | Resubscribed]:
        """What is told on `channels`; a connection that is lost is made again, for as long as somebody listens."""
        wait = _FIRST_WAIT_SECONDS
        while True:
            with suppress(CacheDownError):
                async with aclosing(self._listen_once(channels)) as told:
                    async for one in told:
                        wait = _FIRST_WAIT_SECONDS
                        yield one
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    async def close(self) -> None:
        with suppress(RedisError, OSError):
            await self._client.aclose()

    async def _listen_once(self, channels: Sequence[str]) -> AsyncGenerator[Message | Resubscribed]:
        """Until the connection is lost, which raises CacheDownError; so does a server that does not answer."""
        async with self._client.pubsub() as subscription:
            with _told_as_down():
                await subscription.subscribe(*channels)
            is_asked = False
            while True:
                with _told_as_down():
                    told = await subscription.get_message(timeout=_SILENCE_SECONDS)
                    if told is None:
                        is_asked = await _asked(subscription, is_asked=is_asked)
                        continue
                is_asked = False
                if told["type"] == "subscribe" and told["channel"] == channels[-1]:
                    yield Resubscribed()
                elif told["type"] == "message":
                    yield Message(told["channel"], told["data"])


async def _asked(subscription: PubSub, *, is_asked: bool) -> bool:
    """Ask a server that has been silent whether it is there; raises CacheDownError where it was asked before."""
    if is_asked:
        raise CacheDownError(f"no answer for {_SILENCE_SECONDS:.0f} s")
    await subscription.ping()
    return True
