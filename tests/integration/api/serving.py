"""The application over a ledger, served in this process on a port of its own, and a browser's way of asking it."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode

import uvicorn
from sqlalchemy import Engine

from tickledger.api.access import Access
from tickledger.api.app import create_app
from tickledger.api.dashboard.shell import Sources
from tickledger.api.live import LiveView
from tickledger.cache.in_process import MemorySink, MemorySource, ProcessMemory
from tickledger.cache.keys import Scope
from tickledger.cache.publisher import CachePublisher
from tickledger.cli.ports import LOOPBACK, free_port
from tickledger.execution.clock import WallClock
from tickledger.local_servers import locks

TOKEN = "a-token-of-the-tests-alone"  # noqa: S105  it opens nothing but a server of a test


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Served:
    """A running application; `memory` is what a session would publish to."""

    access: Access
    engine: Engine
    memory: ProcessMemory = field(default_factory=ProcessMemory)

    @property
    def root(self) -> str:
        return f"http://{LOOPBACK}:{self.access.port}"

    @property
    def own(self) -> dict[str, str]:
        """What a browser that was let in says of itself."""
        return {"Cookie": f"{self.access.cookie_name}={self.access.cookie}", "Origin": self.root}

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None, /, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self.access.port, timeout=30)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if form is None else urlencode(form)
        if body is not None:
            told["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        shown = {name.lower(): value for name, value in answer.getheaders()}
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        return Answer(answer.status, shown, text)

    def post_json(self, path: str, body: object) -> str:
        """As the page's own script asks; the answer has to be a good one."""
        connection = http.client.HTTPConnection(LOOPBACK, self.access.port, timeout=60)
        connection.request("POST", path, json.dumps(body), {**self.own, "Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == HTTPStatus.OK, (answer.status, text[:500])
        return text

    def publisher(self, scope: Scope) -> CachePublisher:
        """One that writes to where this application reads."""
        return CachePublisher(MemorySink(self.memory), scope)


@contextmanager
def served(engine: Engine) -> Iterator[Served]:
    """The application over `engine`, until the context ends."""
    one = Served(Access(TOKEN, free_port()), engine)
    sources = Sources(engine, LiveView(lambda: MemorySource(one.memory)), WallClock(), one.access.form_key)
    config = uvicorn.Config(
        create_app(sources, one.access),
        host=LOOPBACK,
        port=one.access.port,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert locks.poll(lambda: server.started, seconds=60, every=0.05)
        yield one
    finally:
        server.should_exit = True
        thread.join(20)
