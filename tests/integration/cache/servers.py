"""What tests do to a Redis and ask of it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tickledger.cache.connect import Cache
from tickledger.cache.embedded import EmbeddedRedis
from tickledger.cache.redis_store import RedisSink, RedisSource


def client(server: EmbeddedRedis) -> "redis.Redis":
    return redis.Redis.from_url(server.url, protocol=2, decode_responses=True)


def process_id(server: EmbeddedRedis) -> int:
    with client(server) as connection:
        return int(connection.info("server")["process_id"])


def birth(server: EmbeddedRedis) -> str:
    """Two connections reach the same server if and only if this is the same."""
    with client(server) as connection:
        return str(connection.info("server")["run_id"])


@contextmanager
def frozen(server: EmbeddedRedis) -> Iterator[None]:
    """The server hangs for as long as the context lasts."""
    number = process_id(server)
    os.kill(number, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(number, signal.SIGCONT)


def cache_at(server: EmbeddedRedis) -> Cache:
    """The cache as a session has it that shares `server`."""
    return Cache(
        "embedded",
        server.url,
        "",
        lambda: RedisSink(server.url, shown=server.url, ensure=server.ensure_running),
        lambda: RedisSource(server.url, shown=server.url),
    )
