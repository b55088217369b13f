"""Real servers on loopback that do what a test tells them, and a certificate authority of the test's own."""

import json
import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

#: Longer than any test waits for something that does come.
PATIENCE = 20.0


@dataclass(frozen=True)
class Reply:
    """What the server does with one request. `hangs` waits for the end of the test, `closes` says nothing at all."""

    status: int = 200
    body: str | Mapping[str, Any] = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    closes: bool = False
    drips: bool = False


@dataclass(frozen=True)
class Posted:
    """One request as it arrived, `at` a moment of the monotonic clock."""

    path: str
    headers: Mapping[str, str]
    document: Any
    at: float


class WebServer:
    """Takes POSTs, answers by `replies` and then by `usual`, and keeps what it was sent in `posted`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.posted: queue.Queue[Posted] = queue.Queue()
        self.replies: queue.Queue[Reply] = queue.Queue()
        self.usual = Reply()
        self.is_over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.scheme = "https" if tls else "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self._server.server_port}{path}"

    def next(self) -> Posted:
        """The next request, waited for."""
        return self.posted.get(timeout=PATIENCE)

    def stop(self) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.posted.put(Posted(self.path, headers, json.loads(body), time.monotonic()))
                server._reply(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as its parent has it
                pass

        return Handler

    def _reply(self, request: BaseHTTPRequestHandler) -> None:
        try:
            reply = self.replies.get_nowait()
        except queue.Empty:
            reply = self.usual
        if reply.hangs:
            self.is_over.wait(PATIENCE)
        if reply.drips:
            self._drip(request)
        if reply.hangs or reply.closes or reply.drips:
            return
        body = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        request.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        """A byte now and then, for ever: each alone is in time."""
        try:
            request.wfile.write(b"HTTP/1.1 2")
            while not self.is_over.wait(0.05):
                request.wfile.write(b"0")
        except OSError:
            return


@contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    server = WebServer(tls)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def other_web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side: a certificate for localhost and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """The client's side: trusts the authority and nobody else."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def secure_web(server_tls: ssl.SSLContext) -> Iterator[WebServer]:
    with web_server(server_tls) as server:
        yield server


def eventually(happened: Callable[[], bool]) -> None:
    """Wait until `happened`; fails after a while."""
    waiting = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if happened():
            return
        waiting.wait(0.01)
    raise AssertionError("it never happened")
