"""Where a person is: the page and what was chosen on it, all of it in the address, so that it can be kept and sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

_LONGEST_VALUE: Final = 200
_MOST: Final = 30


@dataclass(frozen=True, slots=True)
class Address:
    """A page's path and what was chosen."""

    path: str
    chosen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str | None, search: str | None) -> "Address":
        """As a browser tells it; what is empty or too long to be one of ours is left out."""
        pairs = parse_qsl((search or "").removeprefix("?")[: _MOST * _LONGEST_VALUE])[:_MOST]
        chosen = {name: value.strip() for name, value in pairs if value.strip() and len(value) <= _LONGEST_VALUE}
        return cls("/" + (path or "").strip("/"), chosen)

    @property
    def search(self) -> str:
        """What was chosen, as the address has it."""
        return f"?{urlencode(self.chosen)}" if self.chosen else ""

    @property
    def href(self) -> str:
        """The address as a link."""
        return self.path + self.search

    def get(self, name: str) -> str:
        """What was chosen for `name`, empty where nothing was."""
        return self.chosen.get(name, "")

    def number(self, name: str) -> int:
        """A number that was chosen; 0 where nothing or no such number was."""
        text = self.get(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0  # noqa: PLR2004  fits any column

    def choosing(self, **chosen: str | None) -> "Address":
        """The same page with other choices; None and empty take one back."""
        merged = {**self.chosen, **chosen}
        return Address(self.path, {name: value for name, value in merged.items() if value})

    def on(self, path: str, **chosen: str) -> "Address":
        """Another page, of the same account."""
        kept = {"account": self.get("account")} if self.get("account") else {}
        return Address(path, {**kept, **chosen})
