"""Opening the cache for a command: the embedded Redis, the one that TICKLEDGER_REDIS_URL names, or this process.

A server that does not answer refuses nothing: nothing that trades depends on it, so `open_cache` says what is wrong and
the publisher goes on trying. Only an address that cannot be read is an error. No message holds its password.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tickledger.cache.embedded import joined
from tickledger.cache.in_process import MemorySink, MemorySource, memory_of
from tickledger.cache.redis_store import OPTIONS, RedisSink, RedisSource
from tickledger.cache.store import Sink, Source
from tickledger.domain.errors import CacheUnavailableError, ConfigurationError
from tickledger.settings import Settings

_VARIABLE: Final = "TICKLEDGER_REDIS_URL"
_SECRET_OPTIONS: Final = frozenset({"password", "ssl_password"})
_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})


@dataclass(frozen=True, slots=True)
class Cache:
    """Where the cache is; `problem` says why it is less than it should be, empty where all is well."""

    kind: Literal["embedded", "configured", "in process"]
    shown: str
    problem: str
    make_sink: Callable[[], Sink] = field(repr=False)
    make_source: Callable[[], Source] = field(repr=False)


@contextmanager
def open_cache(settings: Settings) -> Iterator[Cache]:
    """The cache of the settings, good for as long as the context lasts.

    Raises ConfigurationError for a TICKLEDGER_REDIS_URL that is not an address.
    """
    if settings.redis_url is not None:
        yield configured(settings.redis_url.get_secret_value())
        return
    with ExitStack() as stack:
        yield _embedded(settings.home, stack)


def configured(url: str) -> Cache:
    """The server at `url`; raises ConfigurationError where that is not an address."""
    shown = shown_url(url)
    return Cache(
        "configured",
        shown,
        "",
        lambda: RedisSink(url, shown=shown, ensure=lambda: None),
        lambda: RedisSource(url, shown=shown),
    )


def in_process(home: Path, *, problem: str) -> Cache:
    """This process's own memory, which takes the place of the server that `problem` is about."""
    memory = memory_of(home)
    return Cache("in process", "this process alone", problem, lambda: MemorySink(memory), lambda: MemorySource(memory))


def _embedded(home: Path, stack: ExitStack) -> Cache:
    try:
        server = stack.enter_context(joined(home))
    except ConfigurationError as error:  # no binary, or a home that cannot be written
        return in_process(home, problem=str(error))
    problem = ""
    try:
        server.ensure_running()
    except ConfigurationError as error:
        problem = str(error)
    shown = server.url
    # The address is asked for when it is used: a server that starts later may have another.
    return Cache(
        "embedded",
        shown,
        problem,
        lambda: RedisSink(server.url, shown=shown, ensure=server.ensure_running),
        lambda: RedisSource(server.url, shown=shown),
    )


def redis_version(url: str) -> str:
    """The version of the server at `url`; raises CacheUnavailableError where none answers."""
    try:
        with redis.Redis.from_url(url, **OPTIONS, retry=Retry(NoBackoff(), 0)) as client:
            return str(client.info("server")["redis_version"])
    except (redis.RedisError, OSError) as error:
        raise CacheUnavailableError(f"no Redis answers at {shown_url(url)}: {error or type(error).__name__}") from error


def shown_url(url: str) -> str:
    """`url` without its passwords; raises ConfigurationError where it is no address of a Redis."""
    misread = ConfigurationError(
        f"{_VARIABLE}: expected an address such as redis://:password@host:6379/0, rediss://… for TLS or unix:///path, "
        "found one that cannot be read so (an @, : or / in a password is written %40, %3A or %2F)"
    )
    try:
        parts = urlsplit(url)
        redis.ConnectionPool.from_url(url).make_connection()
        port = parts.port
    except (ValueError, TypeError, AttributeError):  # the exception may show a part of the password
        raise misread from None
    if parts.scheme not in _SCHEMES or (parts.scheme != "unix" and not parts.hostname) or "@" in parts.path:
        raise misread
    netloc = _netloc(parts.username, parts.password, parts.hostname, port)
    shown = urlunsplit(parts._replace(netloc=netloc, query=_query(parts.query)))
    return shown.replace("unix:/", "unix:///", 1) if shown.startswith("unix:/") and not netloc else shown


def _netloc(user: str | None, password: str | None, host: str | None, port: int | None) -> str:
    name = "" if user is None and password is None else f"{user or ''}{':***' if password else ''}@"
    address = f"[{host}]" if host and ":" in host else host or ""
    return f"{name}{address}{f':{port}' if port else ''}"


def _query(query: str) -> str:
    options = parse_qsl(query, keep_blank_values=True)
    return urlencode(
        [(name, "***" if name in _SECRET_OPTIONS else value) for name, value in options], safe="*/", quote_via=quote
    )
