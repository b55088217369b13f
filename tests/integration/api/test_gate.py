"""Who is let in, and what every answer says: over real sockets, as a browser and as somebody else asks."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from sqlalchemy import Engine

from tests.integration.api.serving import TOKEN, Served, served
from tickledger.db.kill_switch import read_kill_switch_events

PRIVATE = ("/", "/risk", "/_dash-layout", "/_dash-dependencies", "/assets/nothing.js", "/control/kill", "/openapi.json")


@pytest.fixture
def app(ledger: Engine) -> Iterator[Served]:
    with served(ledger) as one:
        yield one


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_is_told_without_the_cookie(app: Served, path: str) -> None:
    asked = app.ask("GET", path)
    assert asked.status == HTTPStatus.UNAUTHORIZED
    assert "dash" not in asked.body
    by_browser = app.ask("GET", path, Accept="text/html")
    assert by_browser.status == HTTPStatus.SEE_OTHER
    assert (
        by_browser.headers["location"].startswith("/login?next=%2F")
        or "/login?next=/" in by_browser.headers["location"]
    )
    wrong = app.ask("GET", path, Cookie=f"{app.access.cookie_name}=0000")
    assert wrong.status == HTTPStatus.UNAUTHORIZED


def test_the_printed_address_gives_a_cookie_that_scripts_and_other_sites_cannot_use(app: Served) -> None:
    entered = app.ask("GET", app.access.login_address.removeprefix(app.root))
    assert (entered.status, entered.headers["location"]) == (HTTPStatus.SEE_OTHER, "/")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    name, _, value = cookie.partition(";")[0].partition("=")
    shown = app.ask("GET", "/", Cookie=f"{name}={value}")
    assert shown.status == HTTPStatus.OK
    assert TOKEN not in shown.body


def test_a_wrong_token_gives_nothing(app: Served) -> None:
    for guess in ("x", TOKEN[:-1], TOKEN + "x", app.access.cookie):
        asked = app.ask("GET", f"/login?token={guess}")
        assert asked.status == HTTPStatus.FORBIDDEN
        assert "set-cookie" not in asked.headers
        sent = app.ask("POST", "/login", {"token": guess}, Origin=app.root)
        assert sent.status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_in_leads_nowhere_else(app: Served, wanted: str) -> None:
    entered = app.ask("POST", "/login", {"token": TOKEN, "next": wanted}, Origin=app.root)
    assert entered.headers["location"] == "/"
    assert "evil" not in entered.headers["location"]


def test_what_was_asked_for_is_opened_after_the_login(app: Served) -> None:
    entered = app.ask("POST", "/login", {"token": TOKEN, "next": "/orders?symbol=AAPL"}, Origin=app.root)
    assert entered.headers["location"] == "/orders?symbol=AAPL"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "192.168.0.7", "127.0.0.1", ""])
def test_another_name_for_this_machine_is_not_served_with_or_without_the_cookie(app: Served, host: str) -> None:
    for headers in ({}, app.own):
        asked = app.ask("GET", "/", Host=host, **headers)
        assert asked.status in {HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.BAD_REQUEST}
        assert "dash" not in asked.body


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:3000", "https://127.0.0.1"])
def test_a_page_of_another_origin_can_send_nothing_even_with_the_cookie(app: Served, origin: str | None) -> None:
    headers = {name: value for name, value in (app.own | {"Origin": origin}).items() if value is not None}
    for path in ("/control/kill", "/_dash-update-component", "/login", "/logout", "/breaks/step"):
        assert app.ask("POST", path, {"key": app.access.form_key}, **headers).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("path", ["/", "/login", "/health", "/nothing", "/assets/dashboard.css", "/control/kill"])
def test_every_answer_forbids_what_is_not_ours(app: Served, path: str) -> None:
    headers = app.ask("GET", path, **app.own).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_a_control_that_is_only_opened_does_nothing(app: Served) -> None:
    for path in ("/control/kill", "/control/kill?confirmation=STOP&key=" + app.access.form_key):
        app.ask("GET", path, **app.own)
    assert read_kill_switch_events(app.engine) == []


def test_a_cookie_that_is_none_and_a_form_without_end_are_refused(app: Served) -> None:
    assert app.ask("GET", "/", Cookie="=;;==,; tickledger").status == HTTPStatus.UNAUTHORIZED
    sent = app.ask("POST", "/login", {"token": "x" * 1_000_000}, Origin=app.root)
    assert sent.status == HTTPStatus.FORBIDDEN


def test_whoever_logs_out_is_out(app: Served) -> None:
    out = app.ask("POST", "/logout", {}, **app.own)
    assert out.status == HTTPStatus.SEE_OTHER
    assert "Max-Age=0" in out.headers["set-cookie"]
