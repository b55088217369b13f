"""Slack, Discord, Telegram and plain webhooks against a real server: what arrives, and what each answer means."""

import logging
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.alerts import alert, fill, message
from tests.integration.notifications.conftest import Reply, WebServer
from tickledger.domain.account import Mode
from tickledger.notifications.channel import Channel, Delivery, Outcome
from tickledger.notifications.telegram import TelegramChannel
from tickledger.notifications.webhook import WebhookChannel, WebhookFormat

SECRET = "T0000/B0000/hunter2"  # noqa: S105  nobody's
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"  # noqa: S105  nobody's
PLAIN_TLS = ssl.create_default_context()


def webhook(
    server: WebServer,
    form: WebhookFormat = "slack",
    *,
    tls: ssl.SSLContext = PLAIN_TLS,
    timeout: float = 10,
    host: str = "127.0.0.1",
) -> Channel:
    return WebhookChannel(urlsplit(server.url(f"/services/{SECRET}", host)), form, tls=tls, timeout=timeout)


def telegram(server: WebServer) -> Channel:
    return TelegramChannel(urlsplit(server.url("/")), TOKEN, "-100123", tls=PLAIN_TLS)


def answer(server: WebServer, channel: Channel, reply: Reply) -> Delivery:
    server.replies.put(reply)
    return channel.send(message(alert()))


def test_slack_gets_its_blocks(web: WebServer) -> None:
    delivery = webhook(web).send(message(fill("AAPL", mode=Mode.LIVE, body="filled & done")))
    posted = web.next()
    assert delivery == Delivery(Outcome.SENT)
    assert posted.path == f"/services/{SECRET}"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["host"] == urlsplit(web.url()).netloc
    assert posted.document["text"] == "LIVE · BUY 100 AAPL at 10"
    assert [block["type"] for block in posted.document["blocks"]] == ["header", "section", "section", "context"]
    assert posted.document["blocks"][1]["text"]["text"] == "filled &amp; done"


def test_discord_gets_its_embed(web: WebServer) -> None:
    web.replies.put(Reply(204, ""))
    assert webhook(web, "discord").send(message(fill("AAPL"))).outcome is Outcome.SENT
    document = web.next().document
    assert document["embeds"][0]["title"] == "PAPER · BUY 100 AAPL at 10"
    assert document["embeds"][0]["fields"] == [{"name": "symbol", "value": "AAPL", "inline": True}]


def test_telegram_gets_a_message_of_its_bot(web: WebServer) -> None:
    assert answer(web, telegram(web), Reply(200, {"ok": True, "result": {}})).outcome is Outcome.SENT
    posted = web.next()
    assert posted.path == f"/bot{TOKEN}/sendMessage"
    assert posted.document["chat_id"] == "-100123"
    assert posted.document["text"].startswith("<b>PAPER · session</b>")


def test_over_tls_the_certificate_is_checked(secure_web: WebServer, client_tls: ssl.SSLContext) -> None:
    assert webhook(secure_web, tls=client_tls, host="localhost").send(message(alert())).outcome is Outcome.SENT
    assert secure_web.next().headers["host"].startswith("localhost:")
    refused = webhook(secure_web, tls=PLAIN_TLS, host="localhost").send(message(alert()))
    assert refused.outcome is Outcome.FAILED
    assert "certificate is not trusted" in refused.detail
    assert secure_web.posted.empty()


@pytest.mark.parametrize(
    ("form", "reply", "expected"),
    [
        ("slack", Reply(429, "", {"Retry-After": "30"}), Delivery(Outcome.FAILED, "answered 429", 30)),
        ("slack", Reply(404, "no_service"), Delivery(Outcome.REFUSED, "answered 404: no_service")),
        ("slack", Reply(403, "action_prohibited"), Delivery(Outcome.REFUSED, "answered 403: action_prohibited")),
        ("slack", Reply(500, "rollup_error"), Delivery(Outcome.FAILED, "answered 500: rollup_error")),
        ("slack", Reply(502, "<html>Bad gateway"), Delivery(Outcome.FAILED, "answered 502")),
        ("slack", Reply(429, "", {"Retry-After": "soon"}), Delivery(Outcome.FAILED, "answered 429", 0)),
        ("slack", Reply(429, "", {"Retry-After": "-5"}), Delivery(Outcome.FAILED, "answered 429", 0)),
        ("slack", Reply(429, "", {"Retry-After": "nan"}), Delivery(Outcome.FAILED, "answered 429", 0)),
        (
            "discord",
            Reply(429, {"message": "You are being rate limited.", "retry_after": 0.75, "global": False}),
            Delivery(Outcome.FAILED, "answered 429: You are being rate limited.", 0.75),
        ),
        (
            "discord",
            Reply(204, "", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}),
            Delivery(Outcome.SENT, "", 1.5),
        ),
        (
            "discord",
            Reply(204, "", {"X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "1.5"}),
            Delivery(Outcome.SENT),
        ),
        (
            "discord",
            Reply(404, {"message": "Unknown Webhook", "code": 10015}),
            Delivery(Outcome.REFUSED, "answered 404: Unknown Webhook"),
        ),
        ("json", Reply(202, ""), Delivery(Outcome.SENT)),
        ("json", Reply(302, "", {"Location": "http://127.0.0.1:1/"}), Delivery(Outcome.REFUSED, "answered 302")),
    ],
)
def test_what_an_answer_means(web: WebServer, form: WebhookFormat, reply: Reply, expected: Delivery) -> None:
    assert answer(web, webhook(web, form), reply) == expected
    web.next()
    assert web.posted.empty()


def test_a_date_to_retry_after_is_read_by_the_servers_own_clock(web: WebServer) -> None:
    # The server of the standard library sends its own Date; far in the future the wait is the difference to that.
    found = answer(web, webhook(web), Reply(503, "", {"Retry-After": "Fri, 31 Dec 2088 23:59:59 GMT"}))
    assert found.wait_seconds > 10**8


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 34",
                "parameters": {"retry_after": 34},
            },
            Delivery(Outcome.FAILED, "answered 429: Too Many Requests: retry after 34", 34),
        ),
        (
            {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"},
            Delivery(Outcome.REFUSED, "answered 400: Bad Request: chat not found"),
        ),
        (
            {"ok": False, "error_code": 401, "description": "Unauthorized"},
            Delivery(Outcome.REFUSED, "answered 401: Unauthorized"),
        ),
        (
            {
                "ok": False,
                "error_code": 400,
                "description": "Bad Request: group chat was upgraded to a supergroup chat",
                "parameters": {"migrate_to_chat_id": -1001234},
            },
            Delivery(
                Outcome.REFUSED,
                "answered 400: Bad Request: group chat was upgraded to a supergroup chat; "
                "set TICKLEDGER_TELEGRAM_CHAT_ID=-1001234",
            ),
        ),
    ],
)
def test_what_the_bot_api_says(web: WebServer, reply: dict[str, Any], expected: Delivery) -> None:
    assert answer(web, telegram(web), Reply(reply["error_code"], reply)) == expected


@pytest.mark.parametrize("body", ["ok", "[]", '{"ok": 1}', "[" * 60_000])
def test_a_success_that_is_not_the_bot_apis_is_none(web: WebServer, body: str) -> None:
    assert answer(web, telegram(web), Reply(200, body)).outcome is Outcome.FAILED


@pytest.mark.parametrize("reply", [Reply(hangs=True), Reply(drips=True)])
def test_a_server_that_does_not_finish_is_left_after_the_time_limit(web: WebServer, reply: Reply) -> None:
    web.replies.put(reply)
    assert webhook(web, timeout=0.3).send(message(alert())) == Delivery(Outcome.FAILED, "no answer within 0.3 s")


def test_a_server_that_hangs_in_the_middle_of_tls_is_left_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = urlsplit(f"https://127.0.0.1:{silent.getsockname()[1]}/x")
        channel = WebhookChannel(address, "json", tls=PLAIN_TLS, timeout=0.3)
        assert channel.send(message(alert())).detail == "no answer within 0.3 s"


def test_a_connection_that_breaks_is_a_failure(web: WebServer) -> None:
    assert answer(web, webhook(web), Reply(closes=True)) == Delivery(Outcome.FAILED, "the connection was closed")


def test_nobody_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    channel = WebhookChannel(urlsplit(f"http://127.0.0.1:{port}/"), "json", tls=PLAIN_TLS)
    assert channel.send(message(alert())) == Delivery(Outcome.FAILED, "Connection refused")


@pytest.mark.parametrize("reply", [Reply(404, f"no hook {SECRET} for {TOKEN}"), Reply(closes=True), Reply(500, TOKEN)])
def test_the_key_is_in_no_answer_and_in_no_log(web: WebServer, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for channel, secret in ((webhook(web), "hunter2"), (telegram(web), TOKEN)):
        assert secret not in answer(web, channel, reply).detail
        assert secret not in caplog.text


def test_proxies_of_the_environment_get_nothing(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert webhook(web).send(message(alert())).outcome is Outcome.SENT
