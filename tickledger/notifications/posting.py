"""One POST over HTTP or HTTPS: bounded in time and size, following nothing.

`http.client` and not a library above it: the address of a webhook is its only key, and `urllib3` (so `requests` too)
writes it to the debug log and lends it to proxies that the environment names. Redirects are not followed either.
"""

import http.client
import json
import math
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult

from tickledger.notifications.channel import Delivery, Outcome
from tickledger.notifications.deadline import deadline
from tickledger.notifications.text import one_line, shortened

#: Seconds from the first packet to the end of the answer.
TIMEOUT_SECONDS: Final = 10.0
_MOST_ANSWERED: Final = 65_536
_SHOWN: Final = 200
_TOO_MANY: Final = 429
# Besides these and 5xx, an error is about the message or the address and would come again.
_TRY_AGAIN: Final = frozenset({408, 425, _TOO_MANY})
_AGENT: Final = "Tickledger (alerts)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def document(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def post_json(
    address: SplitResult, document: Mapping[str, Any], *, tls: ssl.SSLContext, timeout: float = TIMEOUT_SECONDS
) -> Answer:
    """POST `document` to `address`; raises OSError or HTTPException, TimeoutError where `timeout` seconds are over."""
    body = json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()
    host, is_secure = address.hostname or "", address.scheme == "https"
    port = address.port or (443 if is_secure else 80)
    with deadline(timeout) as limit:
        try:
            plain = socket.create_connection((host, port), timeout)
            limit.watch(plain)
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
            try:
                connection.sock = tls.wrap_socket(plain, server_hostname=host) if is_secure else plain
                return _exchange(connection, address, body)
            finally:
                connection.close()
                plain.close()
        except (OSError, http.client.HTTPException) as error:
            if limit.has_passed:
                raise TimeoutError from error
            raise


def _exchange(connection: http.client.HTTPConnection, address: SplitResult, body: bytes) -> Answer:
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    headers = {
        "Host": address.netloc,
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "Connection": "close",
    }
    connection.request("POST", target, body, headers)
    answer = connection.getresponse()
    content = _content(answer)
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)


def _content(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_MOST_ANSWERED)
    except (OSError, http.client.HTTPException):
        # The status has been told: a message that was taken must not be sent again for what came after it.
        return b""


def delivery(answer: Answer, *, told: str = "", wait_seconds: float = 0.0) -> Delivery:
    """What an answer means; `told` is what the service says about an error, `wait_seconds` how long it asks to wait."""
    if 200 <= answer.status < 300:  # noqa: PLR2004  success, by RFC 9110
        return Delivery(Outcome.SENT, wait_seconds=wait_seconds)
    said = shortened(one_line(told or _body_text(answer)), _SHOWN)
    detail = f"answered {answer.status}" + (f": {said}" if said else "")
    if answer.status in _TRY_AGAIN or answer.status >= 500:  # noqa: PLR2004  a server's own trouble
        return Delivery(Outcome.FAILED, detail, max(wait_seconds, retry_after(answer)))
    return Delivery(Outcome.REFUSED, detail)


def retry_after(answer: Answer) -> float:
    """Seconds that the header Retry-After asks for, 0 where it asks for nothing that can be read."""
    value = answer.headers.get("retry-after", "").strip()
    wait = seconds(value)
    if wait is None and value:
        wait = _between(answer.headers.get("date", ""), value)
    return wait or 0.0


def seconds(value: object) -> float | None:
    """A number of seconds, from a number or its text; None for anything else, below zero or without end."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _body_text(answer: Answer) -> str:
    text = answer.body.decode("utf-8", "replace").strip()
    return "" if text.startswith("<") else text  # a page of some proxy says nothing in one line


def _between(start: str, end: str) -> float | None:
    """Seconds between two dates of HTTP, both by the server's clock."""
    begins, ends = _http_date(start), _http_date(end)
    return None if begins is None or ends is None else seconds((ends - begins).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo else None
