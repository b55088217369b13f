"""From settings to channels: what is understood, and what is refused by the name of its variable."""

from typing import Any

import pytest

from tickledger.domain.errors import ConfigurationError
from tickledger.notifications.configuration import alert_channels
from tickledger.notifications.smtp_server import SmtpSecurity, SmtpServer, smtp_server
from tickledger.notifications.webhook import format_of_host
from tickledger.settings import Settings

SECRET = "hunter2"  # noqa: S105  nobody's
EMAIL = {"alert_email_from": "Tickledger <a@example.com>", "alert_email_to": "me@example.com, Bob <b@example.com>"}
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"  # noqa: S105  nobody's


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_without_settings_there_is_no_channel() -> None:
    assert alert_channels(settings()) == ()


def test_every_channel_says_where_it_sends_and_nothing_secret() -> None:
    channels = alert_channels(
        settings(
            smtp_url=f"smtp+starttls://me%40example.com:{SECRET}@smtp.example.com",
            alert_webhook_url=f"https://hooks.slack.com/services/T0/B0/{SECRET}",
            telegram_bot_token=TOKEN,
            telegram_chat_id="-100123",
            **EMAIL,
        )
    )
    assert [(channel.name, channel.target) for channel in channels] == [
        ("email", "me@example.com, b@example.com by smtp.example.com:587"),
        ("slack", "https://hooks.slack.com"),
        ("telegram", "chat -100123"),
    ]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp+starttls://u:p@mail.example.com", SmtpServer("mail.example.com", 587, SmtpSecurity.STARTTLS, "u", "p")),
        ("smtps://u%40x.org:p%2F%40@mail", SmtpServer("mail", 465, SmtpSecurity.TLS, "u@x.org", "p/@")),
        ("smtp://localhost", SmtpServer("localhost", 25, SmtpSecurity.PLAIN)),
        ("smtp://[::1]:2525", SmtpServer("::1", 2525, SmtpSecurity.PLAIN)),
    ],
)
def test_addresses_of_mail_servers(url: str, server: SmtpServer) -> None:
    assert smtp_server(url) == server
    assert "p%2F" not in repr(server)


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("hooks.slack.com", "slack"),
        ("hooks.slack-gov.com", "slack"),
        ("discord.com", "discord"),
        ("ptb.discord.com", "discord"),
        ("discordapp.com", "discord"),
        ("notslack.com", "json"),
        ("example.com", "json"),
    ],
)
def test_the_format_follows_the_host(host: str, form: str) -> None:
    assert format_of_host(host) == form


@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ({"smtp_url": "smtp+starttls://h"}, "ALERT_EMAIL_FROM"),
        ({"smtp_url": "smtp+starttls://h"}, "ALERT_EMAIL_TO"),
        ({"alert_email_to": "me@example.com"}, "SMTP_URL"),
        ({"smtp_url": f"http://u:{SECRET}@h", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": f"smtp://u:{SECRET}@mail.example.com", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": f"smtps://u:{SECRET}/x@h", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": f"smtps://:{SECRET}@h", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": f"smtps://u:p@h:{SECRET}", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": "smtps://u:p@h:0", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": f"smtps://{SECRET}.{'x' * 70}", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": f"{SECRET}", **EMAIL}, "SMTP_URL"),
        ({"smtp_url": "smtps://h", **EMAIL, "alert_email_from": "a@b.c, d@e.f"}, "ALERT_EMAIL_FROM"),
        ({"smtp_url": "smtps://h", **EMAIL, "alert_email_from": "nobody"}, "ALERT_EMAIL_FROM"),
        ({"smtp_url": "smtps://h", **EMAIL, "alert_email_to": "me@x.org; you@x.org"}, "ALERT_EMAIL_TO"),
        ({"smtp_url": "smtps://h", **EMAIL, "alert_email_to": "me@x.org\nBcc: you@x.org"}, "ALERT_EMAIL_TO"),
        ({"alert_webhook_url": f"ftp://h/{SECRET}"}, "ALERT_WEBHOOK_URL"),
        ({"alert_webhook_url": f"http://example.com/{SECRET}"}, "ALERT_WEBHOOK_URL"),
        ({"alert_webhook_url": f"https://u:{SECRET}@h/x"}, "ALERT_WEBHOOK_URL"),
        ({"alert_webhook_url": f"https://h/{SECRET} x"}, "ALERT_WEBHOOK_URL"),
        ({"alert_webhook_url": f"https:///{SECRET}"}, "ALERT_WEBHOOK_URL"),
        ({"telegram_bot_token": TOKEN}, "TELEGRAM_CHAT_ID"),
        ({"telegram_chat_id": "1"}, "TELEGRAM_BOT_TOKEN"),
        ({"telegram_bot_token": SECRET, "telegram_chat_id": "1"}, "TELEGRAM_BOT_TOKEN"),
        ({"telegram_bot_token": TOKEN, "telegram_chat_id": "me"}, "TELEGRAM_CHAT_ID"),
        (
            {"telegram_bot_token": TOKEN, "telegram_chat_id": "1", "telegram_api_url": "http://h"},
            "TELEGRAM_API_URL",
        ),
        (
            {"telegram_bot_token": TOKEN, "telegram_chat_id": "1", "telegram_api_url": "https://h?x=1"},
            "TELEGRAM_API_URL",
        ),
    ],
)
def test_what_cannot_be_used_names_its_variable_and_repeats_no_secret(values: dict[str, Any], variable: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"TICKLEDGER_{variable}: expected|TICKLEDGER_{variable}: \\w+://"
    ) as told:
        alert_channels(settings(**values))
    assert SECRET not in str(told.value)
    assert TOKEN not in str(told.value)


def test_every_channel_that_cannot_be_used_is_named() -> None:
    values = {"smtp_url": "x", **EMAIL, "alert_webhook_url": "y", "telegram_bot_token": "z", "telegram_chat_id": "1"}
    with pytest.raises(ConfigurationError) as told:
        alert_channels(settings(**values))
    assert len(str(told.value).splitlines()) == 3
