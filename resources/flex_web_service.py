"""Statements fetched from IB's Flex Web Service, version 3, in its two steps.

``SendRequest`` asks for a query to be run and is answered with a reference code and an address; ``GetStatement`` at
that address is asked again until the statement is ready. The address is the one that the answer gives: the service
has moved before. What may be asked again (the server is busy, data are not ready, too many requests) is, with a pause
for each reason; what a person has to mend (a token that has expired, a query that does not exist) ends it at once, in
words that say what to do.

The token is the key to the account's statements. It is in the address of every request, so the library underneath is
`http.client`, which logs no addresses; it is sent over TLS and to no other domain than the service's own; no message
of this module holds it.
"""

import http.client
import platform
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Final, NoReturn, TypeVar
from urllib.parse import SplitResult, urlencode, urlsplit

from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError
from tickledger.notifications.deadline import deadline
from tickledger.reconciliation.statements.flex_xml import FlexText, flex_events

Result = TypeVar("Result")

SERVICE: Final = "https://ndcdyn.interactivebrokers.com/AccountManagement/FlexWebService"
_VERSION: Final = "3"
_PIECE: Final = 1 << 16
#: The longest answer that is taken for a message; statements are longer, and are not held.
_MESSAGE_BYTES: Final = 1 << 16
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_DOMAIN_LABELS: Final = 2
_SERVER_ERROR: Final = 500
_TOO_MANY: Final = frozenset({408, 425, 429})
_THROTTLED: Final = "1018"
_END: Final = b"</FlexQueryResponse>"

#: Codes that pass by themselves, in IB's words.
PASSING: Final = {
    "1001": "Statement could not be generated at this time",
    "1004": "Statement is incomplete at this time",
    "1005": "Settlement data is not ready at this time",
    "1006": "FIFO P/L data is not ready at this time",
    "1007": "MTM P/L data is not ready at this time",
    "1008": "MTM and FIFO P/L data is not ready at this time",
    "1009": "The server is under heavy load",
    _THROTTLED: "Too many requests have been made from this token",
    "1019": "Statement generation in progress",
    "1021": "Statement could not be retrieved at this time",
}
#: Codes that a person has to deal with, and how.
LASTING: Final = {
    "1003": "the statement is not available: check the period of the query",
    "1010": "the query is of a kind that IB no longer supports: create it anew as an Activity Flex Query",
    "1011": "the service is not active: switch it on under Flex Queries, Flex Web Service Configuration",
    "1012": "the token has expired: create a new one under Flex Queries, Flex Web Service Configuration",
    "1013": "the token is bound to another IP address: create one for this machine's",
    "1014": "the query is invalid: compare the query id with the one that Flex Queries shows",
    "1015": "the token is invalid: compare it with the current one; a new token ends the one before",
    "1016": "the account is invalid: the token belongs to a login without access to it",
    "1017": "the reference code is invalid",
    "1020": "the request is invalid or could not be validated: check token, query id and dates",
}


class _TryAgainError(Exception):
    """What may be different next time; `wait` in seconds."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds between requests, and how often each step is tried.

    IB allows ten requests in a minute for a token and shuts it out for ten minutes where there are more, so `throttled`
    is long. `first` passes before the statement is asked for at all; `answer` is how long one answer may take.
    """

    first: float = 3.0
    generating: float = 10.0
    busy: float = 15.0
    throttled: float = 120.0
    network: float = 15.0
    answer: float = 300.0
    attempts: int = 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """A statement that was fetched: how IB calls the request, and how long the content is."""

    reference_code: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FlexWebService:
    """Fetches statements with one token; `sleep` and `service` are other ones in tests.

    `service` is the address without the step. Raises ConfigurationError where a person has to mend something and
    BrokerUnavailableError where the service has not given the statement within the attempts.
    """

    token: SecretStr
    waits: Waits = field(default_factory=Waits)
    service: str = SERVICE
    sleep: Callable[[float], None] = time.sleep
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def fetch(
        self, query_id: str, into: BinaryIO, *, from_date: date | None = None, to_date: date | None = None
    ) -> Fetched:
        """Run a query and write its statement `into` a file that can be truncated; the query has to give XML.

        The dates, both included, replace the query's own period. Nothing is in the file where this raises.
        """
        reference_code, address = self._again(lambda: self._requested(query_id, from_date, to_date))
        self.sleep(self.waits.first)
        try:
            size = self._again(lambda: self._statement(address, reference_code, into))
        except BaseException:  # an interrupt too: half a statement must not pass for a whole one
            _empty(into)
            raise
        return Fetched(reference_code, size)

    def _again(self, step: Callable[[], Result]) -> Result:
        retrying = Retrying(
            retry=retry_if_exception_type(_TryAgainError),
            stop=stop_after_attempt(self.waits.attempts),
            wait=_own_wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(step)
        except _TryAgainError as error:
            raise BrokerUnavailableError(
                f"Flex Web Service: expected a statement within {self.waits.attempts} attempts, found {error}"
            ) from None

    def _requested(self, query_id: str, from_date: date | None, to_date: date | None) -> tuple[str, str]:
        """The reference code and the address that the statement is to be got from."""
        parameters = {"q": query_id}
        parameters |= {"fd": f"{from_date:%Y%m%d}"} if from_date is not None else {}
        parameters |= {"td": f"{to_date:%Y%m%d}"} if to_date is not None else {}
        told = _message(b"".join(self._pieces(f"{self.service}/SendRequest", parameters, most=_MESSAGE_BYTES)))
        if told.get("Status") != "Success":
            self._refuse(told)
        reference_code, address = told.get("ReferenceCode", ""), told.get("Url", "")
        if not reference_code or not address:
            raise _TryAgainError("an answer without a reference code or an address", self.waits.busy)
        self._check_address(address)
        return reference_code, address

    def _statement(self, address: str, reference_code: str, into: BinaryIO) -> int:
        _empty(into)
        pieces = self._pieces(address, {"q": reference_code})
        head = next(pieces, b"")
        if b"<FlexStatementResponse" in head:
            self._refuse(_message(head))
        if b"<FlexQueryResponse" not in head:
            raise ConfigurationError(
                "Flex Web Service: expected a statement in XML, found something else: "
                "set the format of the query to XML"
            )
        size, tail = into.write(head), head
        for piece in pieces:
            size, tail = size + into.write(piece), (tail + piece)[-_PIECE:]
        if not tail.rstrip().endswith(_END):
            raise _TryAgainError("a statement that ends too early", self.waits.network)
        return size

    def _refuse(self, told: dict[str, str]) -> NoReturn:
        """Raise what an answer without a statement means."""
        code = told.get("ErrorCode", "")
        text = self._without_token(told.get("ErrorMessage", "no message"))
        if code in LASTING:
            raise ConfigurationError(f"Flex Web Service: error {code}: {LASTING[code]} (IB says: {text})")
        if code in PASSING:
            wait = {_THROTTLED: self.waits.throttled, "1019": self.waits.generating}.get(code, self.waits.busy)
            raise _TryAgainError(f"error {code}: {text}", wait)
        found = f"error {code}: {text}" if code else f"an answer without a code: {text}"
        raise BrokerUnavailableError(f"Flex Web Service: expected a statement, found {found}")

    def _check_address(self, address: str) -> None:
        """The token goes to the service's own domain alone."""
        own, given = urlsplit(self.service), urlsplit(address)
        is_local = given.hostname in _LOOPBACK and own.hostname in _LOOPBACK
        if not is_local and (given.scheme != "https" or _domain(given) != _domain(own)):
            found = self._without_token(f"{given.scheme}://{given.hostname}")
            raise BrokerUnavailableError(f"Flex Web Service: expected an address under {_domain(own)}, found {found}")

    def _pieces(self, address: str, parameters: dict[str, str], *, most: int | None = None) -> Iterator[bytes]:
        """The answer to one request, no longer than `most` bytes; raises _TryAgainError for faults of the network."""
        split = urlsplit(address)
        query = urlencode({"t": self.token.get_secret_value(), "v": _VERSION, **parameters})
        target = f"{split.path}?{split.query}&{query}" if split.query else f"{split.path}?{query}"
        with deadline(self.waits.answer) as limit, closing(self._connection(split)) as connection:
            try:
                connection.connect()
                limit.watch(connection.sock)
                connection.request("GET", target, headers={"User-Agent": f"Python/{platform.python_version()}"})
                answer = connection.getresponse()
                self._check_status(answer)
                left = most
                while piece := answer.read(_PIECE if left is None else min(left, _PIECE)):
                    left = None if left is None else left - len(piece)
                    yield piece
                # Read in pieces, the library is silent where a connection ends before the length that was told.
                if left != 0 and answer.length:
                    raise http.client.IncompleteRead(b"", answer.length)
            except (OSError, http.client.HTTPException) as error:
                reason = "no end of the answer in time" if limit.has_passed else type(error).__name__
                text = self._without_token(str(error))
                raise _TryAgainError(f"{reason}: {text}" if text else reason, self.waits.network) from None

    def _connection(self, split: SplitResult) -> http.client.HTTPConnection:
        host, port = split.hostname or "", split.port
        if split.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self.waits.answer, context=self.tls)
        return http.client.HTTPConnection(host, port, timeout=self.waits.answer)

    def _check_status(self, answer: http.client.HTTPResponse) -> None:
        if answer.status == http.client.OK:
            return
        found = f"HTTP {answer.status} {self._without_token(answer.reason)}"
        if answer.status >= _SERVER_ERROR or answer.status in _TOO_MANY:
            wait = self.waits.throttled if answer.status in _TOO_MANY else self.waits.network
            raise _TryAgainError(found, wait)
        raise BrokerUnavailableError(f"Flex Web Service: expected HTTP 200, found {found}")

    def _without_token(self, text: str) -> str:
        token = self.token.get_secret_value()
        return text.replace(token, "…") if token else text


def _own_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.wait if isinstance(error, _TryAgainError) else 0.0


def _domain(address: SplitResult) -> str:
    return ".".join((address.hostname or "").split(".")[-_DOMAIN_LABELS:])


def _message(content: bytes) -> dict[str, str]:
    """The elements of a short answer; an answer that is no XML has none."""
    return {event.tag: event.text for event in flex_events([content]) if isinstance(event, FlexText)}


def _empty(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()
