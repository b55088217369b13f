"""The Flex Web Service against a server of our own on loopback, which answers as IB documents."""

import io
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from resources.flex_web_service import LASTING, PASSING, Fetched, FlexWebService, Waits
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError
from tickledger.reconciliation.statements.flex import read_flex

TOKEN = "918273645546372819"  # noqa: S105 - of no account
STATEMENT = (
    b'<FlexQueryResponse queryName="q" type="AF"><FlexStatements count="1">'
    b'<FlexStatement accountId="U1" fromDate="20250301" toDate="20250331" whenGenerated="20250401;081500" />'
    b"</FlexStatements></FlexQueryResponse>\n"
)
ATTEMPTS = 4


@dataclass(frozen=True)
class Reply:
    """How the server answers; `length` is what it says the body has."""

    body: bytes
    status: int = 200
    length: int | None = None


def told(code: str, message: str = "in IB's words") -> Reply:
    text = f"<FlexStatementResponse timestamp='01 April, 2025 08:15 AM EDT'><Status>Warn</Status><ErrorCode>{code}"
    return Reply(f"{text}</ErrorCode><ErrorMessage>{message}</ErrorMessage></FlexStatementResponse>".encode())


@dataclass
class Service:
    """A server with a list of answers for each step; the last one is given for ever."""

    send: Sequence[Reply] = ()
    get: Sequence[Reply] = (Reply(STATEMENT),)
    address: str = ""
    requests: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    port: int = 0

    def accepted(self) -> Reply:
        address = self.address or f"http://127.0.0.1:{self.port}/moved/GetStatement"
        text = "<FlexStatementResponse><Status>Success</Status><ReferenceCode>775533</ReferenceCode>"
        return Reply(f"{text}<Url>{address}</Url></FlexStatementResponse>".encode())

    def reply(self, path: str) -> Reply:
        step = path.rpartition("/")[2]
        number = sum(1 for one, _, _ in self.requests if one.endswith(step)) - 1
        replies = [*self.send, self.accepted()] if step == "SendRequest" else list(self.get)
        return replies[min(number, len(replies) - 1)]

    def client(self) -> FlexWebService:
        waits = Waits(first=1, generating=2, busy=3, throttled=4, network=5, answer=5, attempts=ATTEMPTS)
        where = f"http://127.0.0.1:{self.port}/Flex"
        return FlexWebService(SecretStr(TOKEN), waits=waits, service=where, sleep=self.sleeps.append)


@pytest.fixture
def service() -> Iterator[Service]:
    state = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            split = urlsplit(self.path)
            state.requests.append((split.path, parse_qs(split.query), self.headers.get("User-Agent", "")))
            reply = state.reply(split.path)
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its parent has it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()


def test_a_statement_is_got_at_the_address_that_the_answer_gives(service: Service) -> None:
    into = io.BytesIO(b"what was there before")
    fetched = service.client().fetch("4242", into, from_date=date(2025, 3, 1), to_date=date(2025, 3, 31))
    assert fetched == Fetched("775533", len(STATEMENT))
    assert into.getvalue() == STATEMENT
    (first, asked, agent), (second, got, _) = service.requests
    assert (first, second) == ("/Flex/SendRequest", "/moved/GetStatement")
    assert asked == {"t": [TOKEN], "v": ["3"], "q": ["4242"], "fd": ["20250301"], "td": ["20250331"]}
    assert got == {"t": [TOKEN], "v": ["3"], "q": ["775533"]}
    assert agent.startswith("Python/")
    assert service.sleeps == [1]
    assert read_flex([into.getvalue()], name="x").statements[0].account_id == "U1"


@pytest.mark.parametrize("code", sorted(PASSING))
def test_what_passes_by_itself_is_asked_again_in_both_steps(service: Service, code: str) -> None:
    service.send, service.get = [told(code)], [told(code), told(code), Reply(STATEMENT)]
    into = io.BytesIO()
    service.client().fetch("1", into)
    wait = {"1018": 4, "1019": 2}.get(code, 3)
    assert service.sleeps == [wait, 1, wait, wait]
    assert into.getvalue() == STATEMENT


@pytest.mark.parametrize("code", sorted(LASTING))
def test_what_a_person_has_to_mend_ends_it_at_once(service: Service, code: str) -> None:
    for step in ("send", "get"):
        service.send, service.get = ([told(code)], [Reply(STATEMENT)]) if step == "send" else ([], [told(code)])
        service.requests.clear()
        into = io.BytesIO()
        with pytest.raises(ConfigurationError, match=rf"error {code}: .*\(IB says: in IB's words\)"):
            service.client().fetch("1", into)
        assert len(service.requests) == (1 if step == "send" else 2)
        assert into.getvalue() == b""


def test_a_code_that_nobody_knows_ends_it(service: Service) -> None:
    service.send = [told("1999", "a new thing")]
    with pytest.raises(BrokerUnavailableError, match="found error 1999: a new thing"):
        service.client().fetch("1", io.BytesIO())


def test_after_all_attempts_the_last_answer_is_told(service: Service) -> None:
    service.get = [told("1019", "Statement generation in progress")]
    with pytest.raises(
        BrokerUnavailableError, match="within 4 attempts, found error 1019: Statement generation in progress"
    ):
        service.client().fetch("1", io.BytesIO())
    assert sum(path.endswith("GetStatement") for path, _, _ in service.requests) == ATTEMPTS


@pytest.mark.parametrize(
    ("reply", "wait"),
    [
        (Reply(b"Bad Gateway", status=502), 5),
        (Reply(b"slow down", status=429), 4),
        (Reply(STATEMENT, length=len(STATEMENT) + 10), 5),
        (Reply(STATEMENT[:-30]), 5),
    ],
)
def test_faults_of_the_network_are_tried_again_and_leave_nothing_behind(
    service: Service, reply: Reply, wait: int
) -> None:
    service.get = [reply, Reply(STATEMENT)]
    into = io.BytesIO()
    service.client().fetch("1", into)
    assert service.sleeps == [1, wait]
    assert into.getvalue() == STATEMENT


def test_a_server_that_is_not_there_is_tried_again(service: Service) -> None:
    client = FlexWebService(
        SecretStr(TOKEN),
        waits=Waits(attempts=2, network=5),
        service="http://127.0.0.1:1/Flex",
        sleep=service.sleeps.append,
    )
    with pytest.raises(BrokerUnavailableError, match="ConnectionRefusedError"):
        client.fetch("1", io.BytesIO())
    assert service.sleeps == [5]


def test_a_query_that_gives_no_xml_says_so(service: Service) -> None:
    service.get = [Reply(b'"ClientAccountID","Symbol"\n')]
    with pytest.raises(ConfigurationError, match="set the format of the query to XML"):
        service.client().fetch("1", io.BytesIO())


def test_an_http_error_of_our_own_doing_ends_it(service: Service) -> None:
    service.send = [Reply(b"", status=403)]
    with pytest.raises(BrokerUnavailableError, match="expected HTTP 200, found HTTP 403"):
        service.client().fetch("1", io.BytesIO())


@pytest.mark.parametrize(
    "address",
    ["https://elsewhere.example/GetStatement", "http://ndcdyn.interactivebrokers.com/Get", "ftp://127.0.0.2/Get"],
)
def test_the_token_is_sent_to_no_other_domain(service: Service, address: str) -> None:
    service.address = address
    with pytest.raises(BrokerUnavailableError, match="expected an address under"):
        service.client().fetch("1", io.BytesIO())
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("own", "given", "is_allowed"),
    [
        ("https://ndcdyn.interactivebrokers.com/a", "https://gdcdyn.interactivebrokers.com/b", True),
        ("https://ndcdyn.interactivebrokers.com/a", "https://interactivebrokers.com.evil.example/b", False),
        ("https://ndcdyn.interactivebrokers.com/a", "https://evilinteractivebrokers.com/b", False),
        ("https://ndcdyn.interactivebrokers.com/a", "http://127.0.0.1/b", False),
    ],
)
def test_the_address_may_move_within_the_services_domain(own: str, given: str, is_allowed: bool) -> None:  # noqa: FBT001
    client = FlexWebService(SecretStr(TOKEN), service=own)
    if is_allowed:
        client._check_address(given)
        return
    with pytest.raises(BrokerUnavailableError, match=r"under interactivebrokers\.com"):
        client._check_address(given)


def failing(act: Callable[[], object]) -> str:
    """What a person sees of a failure: the message and everything that is chained to it."""
    with pytest.raises((BrokerUnavailableError, ConfigurationError)) as caught:
        act()
    texts, error = [], caught.value
    shown: BaseException | None = error
    while shown is not None:
        texts.append(repr(shown))
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    return "\n".join(texts)


def test_the_token_is_in_no_message_and_in_no_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = service.client()
    service.send = [told("1015", f"Token {TOKEN} is invalid")]
    texts = [failing(lambda: client.fetch("1", io.BytesIO()))]
    service.send, service.get = [], [told("1019", f"wait, {TOKEN}")]
    texts.append(failing(lambda: client.fetch("1", io.BytesIO())))
    service.address = f"https://elsewhere{TOKEN}.example/Get"
    texts.append(failing(lambda: client.fetch("1", io.BytesIO())))
    shown = "\n".join([*texts, repr(client), caplog.text])
    assert TOKEN not in shown


def test_a_file_that_cannot_be_written_is_no_fault_of_the_service(service: Service) -> None:
    class Full(io.BytesIO):
        def write(self, _data: object, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        service.client().fetch("1", Full())
    assert service.sleeps == [1]
