"""What stands before every request: the name we are asked by, the cookie, the origin; and what every answer says.

Loopback keeps other machines out; this keeps out what runs in a browser on this one: pages of other sites, by whatever
name they reach us (DNS rebinding), and pages of other servers on this machine, whose requests browsers call same-site.
"""

from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tickledger.api.access import Access

#: What may be had without the cookie: the way in, and what its page is made of.
OPEN_PATHS: Final = frozenset({"/login", "/health", "/assets/dashboard.css", "/assets/theme.js", "/assets/favicon.svg"})
_READING: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: then a browser sends the origin of a form as `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Gate:
    """The application behind the gate. `script_hashes` are those of the few scripts that stand in the page itself."""

    def __init__(self, app: ASGIApp, *, access: Access, script_hashes: tuple[str, ...] = ()) -> None:
        self._app = app
        self._access = access
        self._headers = {**_HEADERS, "Content-Security-Policy": _policy(script_hashes)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing of ours speaks by a WebSocket
            await send({"type": "websocket.close", "code": 4003, "reason": "not served"})
            return
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope), scope.get("query_string", b""))
        await (refusal or self._app)(scope, receive, self._marked(scope["path"], send))

    def _refusal(self, method: str, path: str, headers: Headers, query: bytes) -> Response | None:
        """The answer to a request that may not come in; None for one that may."""
        if headers.get("host", "") not in self._access.hosts:
            return _refused(HTTPStatus.MISDIRECTED_REQUEST, "expected to be asked for as 127.0.0.1 or localhost")
        if method not in _READING and not self._is_from_here(headers):
            return _refused(HTTPStatus.FORBIDDEN, "expected a request from a page of this server")
        if path in OPEN_PATHS or self._access.is_cookie(_cookie(headers, self._access.cookie_name)):
            return None
        if method in _READING and "text/html" in headers.get("accept", ""):
            wanted = quote(path + (f"?{query.decode('latin-1')}" if query else ""))
            return RedirectResponse(f"/login?next={wanted}", HTTPStatus.SEE_OTHER)
        return _refused(HTTPStatus.UNAUTHORIZED, "expected the cookie that /login gives")

    def _is_from_here(self, headers: Headers) -> bool:
        return headers.get("origin", "") in {f"http://{host}" for host in self._access.hosts}

    def _marked(self, path: str, send: Send) -> Send:
        """`send`, with what every answer of ours says."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if not path.startswith(("/assets/", "/_dash-component-suites/")):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return marked


def _policy(script_hashes: tuple[str, ...]) -> str:
    """Nothing from elsewhere. Styles may stand in the page: Plotly and Cytoscape put theirs there."""
    scripts = " ".join(("'self'", *script_hashes))
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _refused(status: HTTPStatus, expected: str) -> Response:
    return PlainTextResponse(f"{status.value} {status.phrase}: {expected}\n", status)
