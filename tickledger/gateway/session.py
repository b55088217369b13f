"""One client's session: who it is, what it may be told, and how its requests reach those who answer them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tickledger.gateway import answers
from tickledger.gateway.connection import ClientVersions, Connection
from tickledger.gateway.fields import FieldReader, MalformedMessageError, whole_number
from tickledger.gateway.gateway_settings import OLDEST_VERSION
from tickledger.gateway.message_names import REQUESTS

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor

START_API: Final = 71
UNREADABLE: Final = 320
UNKNOWN_REQUEST: Final = 321
TOO_FAST: Final = 100
CLIENT_ID_IN_USE: Final = 326
UPDATE_CLIENT: Final = 503

Handler = Callable[["Session", FieldReader], None]
#: Requests whose first field after the number is the request's id, and those with a version between.
_FIRST_IS_ID: Final = frozenset(
    (3, 20, 22, 78, 79, 81, 83, 84, 86, 87, 88, 89, 90, 92, 93, 94, 95, 96, 97, 98, 100, 101, 102, 103, 104)
)
#: Requests that have no id at all.
_WITHOUT_ID: Final = frozenset(
    (5, 6, 8, 12, 13, 14, 15, 16, 17, 18, 19, 24, 49, 58, 59, 61, 64, 65, 66, 71, 72, 73, 80, 82, 85, 91, 99)
)


class Session:
    """A conversation with one client. It is `is_ready` from startApi on until the connection is gone."""

    def __init__(self, floor: "Floor", handlers: Mapping[int, Handler]) -> None:
        self.client_id = -1
        self.version = 0
        self.is_ready = False
        self.has_auto_bind = False
        self.wants_positions = False
        self.market_data_type = 1
        self.connection: Connection
        self._floor = floor
        self._handlers = handlers

    @property
    def is_master(self) -> bool:
        """Whether it sees the orders of all clients."""
        return self.client_id == self._floor.settings.master_client_id

    def send(self, frame: bytes) -> None:
        """Send a frame."""
        self.connection.send(frame)

    def error(self, request_id: int, code: int, text: str) -> None:
        """Send an error, a warning or information; `request_id` is -1 where it belongs to no request."""
        self.send(answers.error(request_id, code, text, version=self.version))

    def on_versions(self, versions: ClientVersions) -> None:
        """Answer the handshake with the newest version both speak; while the gateway resets, it hangs up."""
        if not self._floor.is_accepting:
            self.connection.abort()
            return
        newest = self._floor.settings.newest_version
        self.version = min(newest, versions.highest)
        if self.version < OLDEST_VERSION or versions.lowest > newest:
            text = f"The TWS is out of date and must be upgraded. Expected a client that speaks {OLDEST_VERSION} to "
            self.error(answers.NO_REQUEST, UPDATE_CLIENT, f"{text}{newest}, found one for {versions.highest}.")
            self.connection.close()
            return
        self.send(answers.server_version(self.version, self._floor.venue.now))

    def on_message(self, fields: list[str]) -> None:
        """Read a request and have it answered; one that cannot be read is answered by error 320."""
        reader = FieldReader(fields, is_strict=self._floor.settings.is_strict)
        try:
            number = reader.identifier("message")
            self._answer(number, reader)
        except MalformedMessageError as error:
            request_id = _request_id(fields)
            text = f"Error reading request. {error}"
            self.error(request_id, UNREADABLE, text)

    def _answer(self, number: int, reader: FieldReader) -> None:
        if number == START_API and not self.is_ready:
            self._start(reader)
            return
        if not self.is_ready:
            raise MalformedMessageError(f"expected startApi (71) first, found {number}")
        handler = self._handlers.get(number)
        if handler is None:
            text = f"Error validating request.-'{REQUESTS.get(number, number)}' : cause - this request is not served"
            self.error(_request_id(reader.fields), UNKNOWN_REQUEST, text)
            return
        if self._floor.faults.on_request(self, REQUESTS[number], _request_id(reader.fields)):
            handler(self, reader)

    def _start(self, reader: FieldReader) -> None:
        reader.identifier("version")
        client_id = reader.identifier("clientId")
        reader.text("optionalCapabilities")
        if not self._floor.admit(self, client_id):
            text = f"Unable to connect as the client id is already in use. Retry with a unique client id ({client_id})."
            self.error(answers.NO_REQUEST, CLIENT_ID_IN_USE, text)
            self.connection.close()
            return
        self.client_id = client_id
        self.connection.client_id = client_id
        self.is_ready = True
        self._floor.welcome(self)

    def on_too_fast(self, rate: int) -> None:
        """Error 100, and the end of the connection where the settings say so."""
        allowed = self._floor.settings.messages_per_second
        text = f"Max rate of messages per second has been exceeded:max={allowed} rec={rate}"
        self.error(answers.NO_REQUEST, TOO_FAST, text)
        if self._floor.settings.closes_on_pacing:
            self.connection.close()

    def on_malformed(self, text: str) -> None:
        """Say why the connection is closed."""
        if self.version:
            self.error(answers.NO_REQUEST, UNREADABLE, f"Error reading request. {text}")

    def on_closed(self) -> None:
        """Nobody is told anything any more."""
        self.is_ready = False
        self._floor.dismiss(self)


def _request_id(fields: Sequence[str]) -> int:
    """The id of the request that could not be read, -1 where it has none or that could not be read either."""
    number = whole_number(fields[0]) if fields else None
    if number in _WITHOUT_ID:
        return answers.NO_REQUEST
    place = 1 if number in _FIRST_IS_ID else 2
    request_id = whole_number(fields[place]) if place < len(fields) else None
    return answers.NO_REQUEST if request_id is None else request_id
