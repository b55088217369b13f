"""The way in: the address that `tickledger up` prints, or a page where its token is typed."""

from html import escape
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tickledger.api.access import Access

#: A form of ours is never longer.
LONGEST_FORM: Final = 16_384

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in · Tickledger</title><link rel="icon" href="/assets/favicon.svg">
<link rel="stylesheet" href="/assets/dashboard.css"><script src="/assets/theme.js"></script></head>
<body class="login"><main class="login-card"><h1>Tickledger</h1>
<p>This page is for whoever started it: open the address that <code>tickledger up</code> printed, or paste its
token.</p>
{message}<form method="post" action="/login"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" autofocus required>
<input type="hidden" name="next" value="{wanted}"><button type="submit" class="button primary">Log in</button></form>
</main></body></html>
"""


def login_routes(access: Access) -> APIRouter:
    """`/login`: with the token in the address or in a form."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def open_login(token: str = "", next: str = "/") -> Response:  # noqa: A002  the name in the address
        if not token:
            return HTMLResponse(_page(next))
        return _entered(access, token, next)

    @router.post("/login")
    async def send_login(request: Request) -> Response:
        form = await form_of(request)
        return _entered(access, form.get("token", "").strip(), form.get("next", "/"))

    @router.post("/logout")
    async def log_out() -> Response:
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(access.cookie_name, httponly=True, samesite="strict")
        return answer

    return router


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, the first of each name; empty where it is longer than any of ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _entered(access: Access, token: str, wanted: str) -> Response:
    if not access.is_token(token):
        return HTMLResponse(_page(wanted, "That is not the token of this server."), HTTPStatus.FORBIDDEN)
    # Away from the address with the token, so that it stays in no history entry and is sent to nobody.
    answer = RedirectResponse(_own_path(wanted), HTTPStatus.SEE_OTHER)
    answer.set_cookie(access.cookie_name, access.cookie, httponly=True, samesite="strict", path="/")
    return answer


def _own_path(wanted: str) -> str:
    """`wanted` where it is a path of ours; an address of elsewhere leads to the overview."""
    is_path = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if is_path and wanted.isprintable() else "/"


def _page(wanted: str, message: str = "") -> str:
    told = f'<p class="message bad" role="alert">{escape(message)}</p>' if message else ""
    return _PAGE.format(message=told, wanted=escape(_own_path(wanted), quote=True))
