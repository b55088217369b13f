"""``tickledger alerts test`` and what ``tickledger doctor`` says of the channels."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.command import TICKLEDGER, command_environment
from tests.integration.notifications.conftest import Reply, WebServer
from tickledger.cli.checks_of_alerts import check_alerts
from tickledger.cli.diagnosis import shown_settings
from tickledger.domain.account import Mode
from tickledger.settings import Settings, load_settings

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"  # noqa: S105  nobody's


@pytest.fixture
def two_channels(web: WebServer, other_web: WebServer) -> Mapping[str, str]:
    return {
        "TICKLEDGER_ALERT_WEBHOOK_URL": web.url("/services/hunter2"),
        "TICKLEDGER_ALERT_WEBHOOK_FORMAT": "slack",
        "TICKLEDGER_TELEGRAM_BOT_TOKEN": TOKEN,
        "TICKLEDGER_TELEGRAM_CHAT_ID": "42",
        "TICKLEDGER_TELEGRAM_API_URL": other_web.url(),
    }


def alerts_test(home: Path, variables: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TICKLEDGER, "alerts", "test", *options],
        cwd=home.parent,
        env={**command_environment(home), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_channel_gets_one_message(
    two_channels: Mapping[str, str], home: Path, web: WebServer, other_web: WebServer
) -> None:
    other_web.usual = Reply(200, {"ok": True})
    ran = alerts_test(home, two_channels)
    assert ran.returncode == 0, ran.stderr
    assert web.next().document["text"] == "SIMULATED · Test of the alerts"
    assert "Nothing has happened" in other_web.next().document["text"]
    assert [line.split() for line in ran.stdout.splitlines()[1:]] == [
        ["slack", "http://127.0.0.1", "sent"],
        ["telegram", "chat", "42", "sent"],
    ]


def test_a_channel_that_fails_makes_it_exit_with_one_and_says_why(
    two_channels: Mapping[str, str], home: Path, web: WebServer, other_web: WebServer
) -> None:
    web.usual = Reply(404, "no_service")
    other_web.usual = Reply(401, {"ok": False, "description": "Unauthorized"})
    ran = alerts_test(home, two_channels, "--json")
    assert ran.returncode == 1
    assert [(one["channel"], one["outcome"], one["detail"]) for one in json.loads(ran.stdout)] == [
        ("slack", "refused", "answered 404: no_service"),
        ("telegram", "refused", "answered 401: Unauthorized"),
    ]
    assert "hunter2" not in ran.stdout + ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr


def test_without_a_channel_it_exits_with_two(home: Path) -> None:
    ran = alerts_test(home, {})
    assert ran.returncode == 2
    assert "no channel is set up: expected TICKLEDGER_SMTP_URL" in ran.stderr


def test_a_setting_that_cannot_be_used_makes_it_exit_with_two(home: Path) -> None:
    ran = alerts_test(home, {"TICKLEDGER_ALERT_WEBHOOK_URL": "http://example.com/hunter2"})
    assert ran.returncode == 2
    assert ran.stderr.startswith("TICKLEDGER_ALERT_WEBHOOK_URL: http:// would show its key")
    assert "hunter2" not in ran.stderr


def test_the_doctor_names_the_channels_and_hides_their_keys(
    two_channels: Mapping[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not home.exists()
    for name, value in two_channels.items():
        monkeypatch.setenv(name, value)
    assert [(one.subject, one.state, one.found) for one in check_alerts(load_settings())] == [
        ("alerts by slack", "ok", "http://127.0.0.1"),
        ("alerts by telegram", "ok", "chat 42"),
    ]
    shown = {one.name: one.value for one in shown_settings(load_settings())}
    assert shown["TICKLEDGER_ALERT_WEBHOOK_URL"] == "http://127.0.0.1/***"
    assert TOKEN not in str(shown)


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("smtp+starttls://me:hunter2@smtp.example.com:587", "smtp+starttls://me:***@smtp.example.com:587"),
        ("smtp+starttls://me:odd@hunter2@smtp.example.com", "***"),
        ("https://hunter2", "https://hunter2/***"),
    ],
)
def test_of_an_address_everything_but_its_secret_is_shown(url: str, value: str) -> None:
    found = {one.name: one.value for one in shown_settings(Settings(_env_file=None, smtp_url=url))}
    assert found["TICKLEDGER_SMTP_URL"] == value


def test_the_doctor_calls_a_channel_that_cannot_be_used_broken() -> None:
    settings = Settings(_env_file=None, smtp_url="smtp://mail.example.com", telegram_chat_id="1")
    states = [(one.state, one.found.partition(":")[0]) for one in check_alerts(settings)]
    assert states == [
        ("broken", "TICKLEDGER_ALERT_EMAIL_FROM"),
        ("broken", "TICKLEDGER_ALERT_EMAIL_TO"),
        ("broken", "TICKLEDGER_TELEGRAM_BOT_TOKEN"),
    ]


@pytest.mark.parametrize(("mode", "state"), [(Mode.SIMULATED, "ok"), (Mode.PAPER, "warning"), (Mode.LIVE, "warning")])
def test_no_channel_is_worth_a_warning_once_more_than_a_simulation_trades(mode: Mode, state: str) -> None:
    assert [one.state for one in check_alerts(Settings(_env_file=None, mode=mode))] == [state]
