"""Text that any channel can carry: printable, without secrets, and never longer than the channel takes."""

import re
from collections.abc import Callable
from typing import Final

#: What stands where a secret stood.
HIDDEN: Final = "***"
_ELLIPSIS: Final = "…"

# Control characters, and those that turn the direction of the text around: both can make a line say something else.
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_USER_INFO: Final = re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^\s/?#\"'<>]*@", re.IGNORECASE)
_WEB_PATH: Final = re.compile(r"(https?://[^\s/?#\"'<>)\]]+)[/?#][^\s\"'<>]*", re.IGNORECASE)
_BOT_TOKEN: Final = re.compile(r"\d{5,}:[A-Za-z0-9_-]{30,}")
_NAMED: Final = re.compile(
    r"\b((?:[a-z0-9]+[_-]){0,4}(?:password|passwd|pwd|secret|token|api[_-]?key|authorization)\b[\"']?\s*[=:]\s*)"
    r"(?:bearer\s+|basic\s+)?(\"[^\"]*\"|'[^']*'|[^\s,;&]+)",
    re.IGNORECASE,
)


def printable(text: str) -> str:
    """`text` without characters that are no text: controls other than line ends and tabs, halves of a character."""
    whole = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("", whole)


def one_line(text: str) -> str:
    """`text` as one printable line."""
    return " ".join(printable(text).split())


def without_secrets(text: str, secrets: tuple[str, ...] = ()) -> str:
    """`text` with everything hidden that may be a secret.

    Hidden are `secrets` themselves, user and password of an address, path and query of a web address (those of
    webhooks are their only key), tokens of Telegram bots, and what follows ``password=`` and the like.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    text = _USER_INFO.sub(rf"\1{HIDDEN}@", text)
    text = _WEB_PATH.sub(rf"\1/{HIDDEN}", text)
    text = _BOT_TOKEN.sub(HIDDEN, text)
    return _NAMED.sub(rf"\1{HIDDEN}", text)


def units(text: str) -> int:
    """The length of `text` as the services count it: a character outside the basic plane, as emoji are, is two."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)  # noqa: PLR2004  the basic plane's end


def shortened(text: str, limit: int) -> str:
    """`text`, or its beginning and an ellipsis, of at most `limit` units."""
    if units(text) <= limit:
        return text
    return _longest_prefix(text, limit - 1, str) + _ELLIPSIS


def fitted(text: str, limit: int, escape: Callable[[str], str] = str) -> str:
    """`text` escaped, in at most `limit` units; where something is left out, the end says how much.

    `escape` works character by character, so that cutting before it never leaves half an escape.
    """
    if len(text) <= limit and units(whole := escape(text)) <= limit:
        return whole
    note = escape(f"\n{_ELLIPSIS} {len(text):,} characters, cut here")
    if units(note) > limit:
        return escape(_longest_prefix(text, limit, escape))
    return escape(_longest_prefix(text, limit - units(note), escape)) + note


def _longest_prefix(text: str, limit: int, escape: Callable[[str], str]) -> str:
    """The longest beginning of `text` that has at most `limit` units once it is escaped."""
    length = 0
    for index, character in enumerate(text):
        length += units(escape(character))
        if length > limit:
            return text[:index]
    return text
