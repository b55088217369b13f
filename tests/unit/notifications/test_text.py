"""Text for any channel: what is hidden, what is cut, and that both leave text that can be sent."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts import long_texts, texts
from tickledger.notifications.text import fitted, one_line, printable, shortened, units, without_secrets

SECRET = "hunter2"  # noqa: S105  nobody's


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach postgresql://tickledger:{SECRET}@db.example.com:5432/ledger",
        f"cannot reach postgresql://tickledger:odd@{SECRET}@db.example.com/ledger",
        f"cannot reach redis://:{SECRET}@cache:6379/0",
        f"POST https://hooks.slack.com/services/T0/B0/{SECRET} answered 404",
        f"POST https://discord.com/api/webhooks/1/{SECRET}?wait=true, then gave up",
        f"GET https://example.com?token={SECRET}",
        f"(see http://127.0.0.1:8000/{SECRET})",
        f"connection failed: password={SECRET} host=db",
        f'{{"api_key": "{SECRET} with spaces", "user": "me"}}',
        f"header Authorization: Bearer {SECRET}",
        f"PGPASSWORD is unset; TICKLEDGER_DB_PASSWORD = {SECRET}",
        "/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw-hunter2/sendMessage",
    ],
)
def test_secrets_are_hidden_wherever_errors_put_them(text: str) -> None:
    shown = without_secrets(text)
    assert SECRET not in shown
    assert "***" in shown


def test_what_is_no_secret_stays() -> None:
    text = "BUY 100 AAPL at 150.00: insufficient funds (error 201), see https://example.com and order ord_12ab"
    assert without_secrets(text) == text


def test_secrets_that_are_known_are_hidden_in_any_form() -> None:
    assert without_secrets("server says: user x, pw y&z", ("y&z", "")) == "server says: user x, pw ***"


def test_a_long_text_without_secrets_takes_no_time() -> None:
    # Each pattern meets its worst case; a quadratic one would take hours.
    for text in (
        "a-" * 200_000,
        "a" * 400_000,
        "token" * 80_000,
        "https://" * 50_000,
        "x://" * 100_000,
        "1:" * 200_000,
    ):
        assert without_secrets(text) is not None


@given(texts)
def test_printable_text_can_be_encoded_and_has_no_controls(text: str) -> None:
    shown = printable(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not {character for character in shown if ord(character) < 0x20} - {"\n", "\t"}
    assert printable(shown) == shown
    assert "\n" not in one_line(text)


def test_ordinary_text_of_any_language_is_printable_as_it_is() -> None:
    assert printable("Ünïcödé 漢字 🛑 −5 % \t“q”\n") == "Ünïcödé 漢字 🛑 −5 % \t“q”\n"


@given(long_texts, st.integers(1, 500))
def test_a_shortened_text_fits_and_begins_as_it_did(text: str, limit: int) -> None:
    text = printable(text)
    short = shortened(text, limit)
    assert units(short) <= limit
    assert short == text or text.startswith(short.removesuffix("…"))


@given(long_texts, st.integers(1, 500))
def test_a_fitted_text_fits_after_escaping_and_no_escape_is_cut(text: str, limit: int) -> None:
    text = printable(text).replace("…", "")
    fit = fitted(text, limit, html.escape)
    assert units(fit) <= limit
    begin = fit.partition("\n…")[0]
    assert html.escape(html.unescape(begin)) == begin
    assert text.startswith((html.unescape(begin), html.unescape(fit)))


def test_a_cut_text_says_how_long_it_was() -> None:
    assert fitted("x" * 5000, 100).endswith("\n… 5,000 characters, cut here")
    assert len(fitted("x" * 5000, 100)) == 100


def test_characters_outside_the_basic_plane_count_twice_as_the_services_count_them() -> None:
    assert units("a🛑") == 3
    assert shortened("🛑🛑🛑", 5) == "🛑🛑…"
