"""The notifier with real channels on real servers: what a person gets, and that the caller never waits for it."""

import asyncio
import logging
import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.alerts import alert, fill
from tests.integration.notifications.conftest import PATIENCE, Reply, WebServer, eventually
from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, Alerts, AlertSeverity
from tickledger.notifications.channel import Delivery, Pace
from tickledger.notifications.message import Message
from tickledger.notifications.notifier import Notifier
from tickledger.notifications.outbox import Policy
from tickledger.notifications.webhook import WebhookChannel, WebhookFormat

TLS = ssl.create_default_context()
#: Retries and gathering in hundredths of seconds.
QUICK = Policy(fill_window=0.05, first_retry=0.01, longest_retry=0.05, longest_urgent_retry=0.05, cooldown=0.05)


def channel(server: WebServer, form: WebhookFormat = "json", timeout: float = 10) -> WebhookChannel:
    made = WebhookChannel(urlsplit(server.url("/hook")), form, tls=TLS, timeout=timeout)
    made.pace = Pace(per_minute=60_000, burst=1000)
    return made


@contextmanager
def notifying(*channels: WebhookChannel, policy: Policy = QUICK, **options: Any) -> Iterator[Notifier]:
    notifier = Notifier(channels, policy=policy, **options)
    try:
        yield notifier
    finally:
        notifier.close(timeout=0.1)


def title(server: WebServer) -> str:
    found = server.next().document["title"]
    assert isinstance(found, str)
    return found


def test_every_channel_gets_every_alert(web: WebServer, other_web: WebServer) -> None:
    with notifying(channel(web), channel(other_web)) as notifier:
        notifier.notify(alert(title="a"))
        assert title(web) == title(other_web) == "PAPER · a"
        eventually(lambda: [health.sent for health in notifier.health()] == [1, 1])


def test_twelve_fills_are_one_message(web: WebServer) -> None:
    with notifying(channel(web), policy=replace(QUICK, fill_window=0.5)) as notifier:
        for number in range(12):
            notifier.notify(fill("AAPL" if number % 3 else "MSFT", at=number))
        document = web.next().document
    assert document["title"] == "PAPER · 12 fills: AAPL (8), MSFT (4)"
    assert len(document["body"].splitlines()) == 12
    assert web.posted.empty()


def test_repeats_are_counted_and_told_when_the_window_closes(web: WebServer) -> None:
    with notifying(channel(web), policy=replace(QUICK, repeat_window=0.5)) as notifier:
        for second in range(4):
            notifier.notify(alert("stale_data", "AAPL", at=second))
        assert web.next().document["notes"] == []
        assert web.next().document["notes"] == ["3 more like it since 14:02 UTC"]


def test_a_server_that_fails_for_a_while_gets_the_alert_once_it_works(web: WebServer) -> None:
    for status in (500, 503, 429):
        web.replies.put(Reply(status, "", {"Retry-After": "0"}))
    with notifying(channel(web)) as notifier:
        notifier.notify(alert(title="a"))
        assert [title(web) for _ in range(4)] == ["PAPER · a"] * 4
        eventually(lambda: notifier.health()[0].sent == 1)
        assert notifier.health()[0].last_error == "answered 429"


def test_retry_after_is_honoured(web: WebServer) -> None:
    web.replies.put(Reply(429, "", {"Retry-After": "1"}))
    with notifying(channel(web)) as notifier:
        notifier.notify(alert(title="a"))
        notifier.notify(alert(title="b"))
        refused, *others = (web.next() for _ in range(3))
    # Without the header the next attempt would come within 0.01 s.
    assert min(posted.at for posted in others) >= refused.at + 1
    assert sorted(posted.document["title"] for posted in others) == ["PAPER · a", "PAPER · b"]


def test_a_hung_server_holds_up_neither_the_caller_nor_the_kill_switch(web: WebServer, other_web: WebServer) -> None:
    web.usual = Reply(hangs=True)
    with notifying(channel(web), channel(other_web)) as notifier:
        for number in range(100):
            notifier.notify(alert(title=f"reject {number}", severity=AlertSeverity.ERROR))
        web.next()  # its routine lane hangs from here on
        notifier.notify(alert("kill_switch", title="engaged"))
        # The other channel has it, and so has the urgent lane of the very channel that hangs.
        assert "PAPER · engaged" in iter(lambda: title(other_web), "")
        assert title(web) == "PAPER · engaged"


def test_the_kill_switch_arrives_in_a_storm_of_fills_on_a_channel_that_is_told_to_wait(web: WebServer) -> None:
    web.replies.put(Reply(429, "", {"Retry-After": "3600"}))
    with notifying(channel(web)) as notifier:
        for _ in range(5000):
            notifier.notify(fill("AAPL"))
        web.next()
        for _ in range(5000):
            notifier.notify(fill("AAPL"))
        notifier.notify(alert("kill_switch", title="engaged", mode=Mode.LIVE))
        assert title(web) == "LIVE · engaged"


def test_a_storm_stays_in_bounds_and_what_was_left_out_is_told(web: WebServer) -> None:
    web.replies.put(Reply(hangs=True))
    with notifying(channel(web, timeout=1.0), policy=replace(QUICK, capacity=500, fill_window=0)) as notifier:
        notifier.notify(alert(title="first"))
        web.next()
        for number in range(10_000):
            notifier.notify(alert("reject", title=f"reject {number}", dedup_key=f"{number}"))
        (health,) = notifier.health()
        assert health.waiting <= 501
        assert title(web) == "PAPER · first"  # the attempt that was cut off, made again
        document = web.next().document
    assert document["title"] == "PAPER · 500 rejects"
    assert document["notes"] == ["Left out because too much happened at once: 9,500 rejects"]


def test_closing_sends_what_waits(web: WebServer) -> None:
    notifier = Notifier([channel(web)], policy=replace(QUICK, fill_window=3600, repeat_window=3600))
    notifier.notify(fill("AAPL"))
    for _ in range(3):
        notifier.notify(alert("stale_data", "AAPL"))
    assert notifier.close(timeout=PATIENCE) == 0
    documents = [web.next().document for _ in range(3)]
    assert sorted(document["kind"] for document in documents) == ["fill", "stale_data", "stale_data"]
    notifier.notify(alert())
    assert web.posted.empty()


def test_closing_gives_up_in_time_and_says_how_much_was_not_sent(web: WebServer) -> None:
    web.usual = Reply(hangs=True)
    notifier = Notifier([channel(web)], policy=QUICK)
    for number in range(3):
        notifier.notify(alert(title=f"{number}"))
    assert notifier.close(timeout=0.2) == 3


def test_less_urgent_alerts_than_wanted_are_not_sent(web: WebServer) -> None:
    with notifying(channel(web), minimum_severity=AlertSeverity.ERROR) as notifier:
        notifier.notify(alert(title="info"))
        notifier.notify(alert("kill_switch", title="switch", severity=AlertSeverity.INFO))
        notifier.notify(alert(title="error", severity=AlertSeverity.ERROR))
        assert sorted(title(web) for _ in range(2)) == ["PAPER · error", "PAPER · switch"]
    assert web.posted.empty()


def test_any_thread_and_any_loop_may_call(web: WebServer) -> None:
    async def from_a_loop(notifier: Notifier) -> None:
        for number in range(50):
            notifier.notify(alert(title=f"loop {number}", kind="session"))
            await asyncio.sleep(0)

    with notifying(channel(web)) as notifier:
        threads = [threading.Thread(target=asyncio.run, args=(from_a_loop(notifier),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: notifier.health()[0].sent == 400)
        assert notifier.health()[0].dropped == 0


def test_a_signal_handler_may_call_while_it_interrupts_a_call(web: WebServer) -> None:
    with notifying(channel(web), policy=replace(QUICK, capacity=100_000)) as notifier:

        def handle(_number: int, _frame: object) -> None:
            interrupted.append(1)
            notifier.notify(alert(title="from the handler", severity=AlertSeverity.ERROR))

        interrupted: list[int] = []
        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        try:
            calls = 0
            while len(interrupted) < 200:
                notifier.notify(alert(title="from the loop"))
                calls += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        eventually(lambda: notifier.health()[0].sent == calls + len(interrupted))


class Broken:
    """A channel with a bug."""

    name = target = "broken"
    pace = Pace(6000, 100)

    def send(self, message: Message) -> Delivery:
        raise LookupError(message.headline)


def test_a_bug_in_a_channel_costs_a_message_and_neither_the_thread_nor_the_caller(
    web: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with notifying() as none:
        none.notify(alert())
    notifier = Notifier([Broken(), channel(web)], policy=QUICK)
    broken: Any = object()
    for one in (alert(title="a"), broken, replace(alert(title="b"), facts=broken), alert(title="c")):
        notifier.notify(one)
    assert sorted(title(web) for _ in range(2)) == ["PAPER · a", "PAPER · c"]
    eventually(lambda: [health.failed for health in notifier.health()] == [3, 1])
    assert notifier.health()[0].last_error == "LookupError in this program"
    notifier.close(1)
    assert "an alert was lost" in caplog.text


def test_without_a_channel_nothing_happens() -> None:
    notifier = Notifier([])
    notifier.notify(alert())
    assert notifier.health() == ()
    assert notifier.close() == 0


def test_the_notifier_is_what_the_trading_path_expects() -> None:
    def told(alerts: Alerts, one: Alert) -> None:
        alerts.notify(one)

    told(Notifier([]), alert())
