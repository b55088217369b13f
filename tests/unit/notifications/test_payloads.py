"""What each service is sent: the shapes and limits of its reference, whatever an alert's texts are."""

import email
import email.policy
import json
from datetime import UTC, datetime
from email.headerregistry import Address
from html.parser import HTMLParser
from typing import Any

from hypothesis import given

from tests.alerts import alert, message, messages
from tickledger.domain.alert import AlertSeverity
from tickledger.notifications import discord, plain_json, slack, telegram
from tickledger.notifications.email_message import email_message
from tickledger.notifications.message import Message
from tickledger.notifications.text import units

LONG = "&<>*_ " * 5_000
SENDER = Address("Tickledger", addr_spec="alerts@example.com")
RECIPIENTS = (Address(addr_spec="me@example.com"), Address("Bob, B.", addr_spec="bob@example.org"))


def as_sent(document: Any) -> Any:
    """The document as the service reads it; fails where it cannot be sent."""
    return json.loads(json.dumps(document))


def slack_texts(document: Any) -> list[str]:
    found = []
    for block in document["blocks"]:
        found += [block["text"]] if "text" in block else []
        found += block.get("fields", []) + block.get("elements", [])
    assert all(text.keys() == {"type", "text", "emoji"} and text["type"] == "plain_text" for text in found)
    return [text["text"] for text in found]


@given(messages())
def test_slack_gets_blocks_within_its_limits(made: Message) -> None:
    document = as_sent(slack.payload(made))
    header, *others = document["blocks"]
    assert header["type"] == "header"
    assert 1 <= units(header["text"]["text"]) <= 150
    assert len(document["blocks"]) <= 50
    assert {block["type"] for block in others} <= {"section", "context"}
    for block in others:
        assert 1 <= len(block.get("fields", [1])) <= 10
        assert all(units(field["text"]) <= 2000 for field in block.get("fields", []))
    for text in [*slack_texts(document), document["text"]]:
        assert 1 <= units(text) <= 3000
        assert not {"<", ">"} & set(text)
        assert "&" not in text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


def test_slack_shows_what_was_written() -> None:
    document = slack.payload(message(alert(body="R&D <!channel> *not bold*", facts={"order": "ord_1"})))
    _, body, fields, foot = document["blocks"]
    assert body["text"]["text"] == "R&amp;D &lt;!channel&gt; *not bold*"
    assert fields["fields"] == [{"type": "plain_text", "text": "order\nord_1", "emoji": False}]
    assert "PAPER · account U1" in foot["elements"][0]["text"]


@given(messages())
def test_discord_gets_one_embed_within_its_limits(made: Message) -> None:
    document = as_sent(discord.payload(made))
    assert document["allowed_mentions"] == {"parse": []}
    (embed,) = document["embeds"]
    fields = embed.get("fields", [])
    texts = [embed["title"], embed["footer"]["text"], *(field[part] for field in fields for part in ("name", "value"))]
    texts += [embed["description"]] if "description" in embed else []
    assert all(texts)
    assert units(embed["title"]) <= 256
    assert units(embed.get("description", "")) <= 4096
    assert units(embed["footer"]["text"]) <= 2048
    assert len(fields) <= 25
    assert all(units(field["name"]) <= 256 and units(field["value"]) <= 1024 for field in fields)
    assert sum(map(units, texts)) <= 6000
    assert embed["footer"]["text"].startswith(f"{made.when}\n{made.where}")
    assert datetime.fromisoformat(embed["timestamp"]).tzinfo is not None


def test_discord_shows_markup_as_it_was_written() -> None:
    (embed,) = discord.payload(message(alert(body="# *x* <@1> `y` 10.50")))["embeds"]
    assert embed["description"] == r"\# \*x\* \<@1\> \`y\` 10.50"


class Page(HTMLParser):
    """Tags and text of a page; every reference is resolved as a reader would."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text += data


@given(messages())
def test_telegram_gets_html_with_one_bold_line_within_its_limit(made: Message) -> None:
    document = as_sent(telegram.payload(made, "-100"))
    assert document["parse_mode"] == "HTML"
    assert units(document["text"]) <= 4096
    page = Page(document["text"])
    assert page.tags == ["b", "/b"]
    seen = page.text.replace("@\u200b", "@")
    assert made.headline.replace("@\u200b", "@") in seen
    assert made.where.replace("@\u200b", "@") in seen


def test_telegram_mentions_nobody() -> None:
    assert "@somebody" not in telegram.payload(message(alert(body="ask @somebody")), "1")["text"]


def test_telegram_is_silent_for_what_can_wait() -> None:
    assert telegram.payload(message(alert()), "1")["disable_notification"] is True
    assert telegram.payload(message(alert(severity=AlertSeverity.ERROR)), "1")["disable_notification"] is False


def test_a_cut_text_says_so_on_every_channel_and_keeps_mode_and_time() -> None:
    made = message(alert(body=LONG, facts={"order": "ord_1"}))
    for document in (slack.payload(made), discord.payload(made), telegram.payload(made, "1")):
        sent = json.dumps(document, ensure_ascii=False)
        assert "characters, cut here" in sent
        assert "PAPER · account U1" in sent
        assert "ord_1" in sent.replace("\\\\", "")
        assert made.when in sent


@given(messages())
def test_a_mail_can_be_read_back(made: Message) -> None:
    sent_at = datetime(2026, 3, 2, 14, 3, tzinfo=UTC)
    raw = email_message(made, sender=SENDER, recipients=RECIPIENTS, sent_at=sent_at).as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == made.headline
    assert mail["To"].addresses == RECIPIENTS
    assert mail["Date"].datetime == sent_at
    plain, page = mail.iter_parts()
    assert made.headline in plain.get_content()
    assert set(Page(page.get_content()).tags) <= {
        *("html", "body", "h2", "p", "table", "tr", "td", "br"),
        *("/html", "/body", "/h2", "/p", "/table", "/tr", "/td"),
    }


def test_the_same_message_has_the_same_id_and_another_has_not() -> None:
    def identity(made: Message, minute: int) -> str:
        at = datetime(2026, 3, 2, 14, minute, tzinfo=UTC)
        return str(email_message(made, sender=SENDER, recipients=RECIPIENTS, sent_at=at)["Message-ID"])

    assert identity(message(alert("reject", "a")), 1) == identity(message(alert("reject", "a")), 2)
    assert identity(message(alert("reject", "a")), 1) != identity(message(alert("reject", "b")), 1)


@given(messages())
def test_plain_json_names_every_part(made: Message) -> None:
    document = as_sent(plain_json.payload(made))
    assert document["kind"] == made.kind
    assert document["mode"] == made.mode
    assert document["title"] == made.headline
    assert document["body"] == made.body
    assert document["facts"] == dict(made.facts)
