"""Who may come in: whoever has the token that `tickledger up` printed.

The token is shown once, in the address to open; the browser then holds a cookie that is derived from it, so the token
itself is in no later request. Both are good for as long as the process that made the token runs.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from tickledger.domain.errors import ConfigurationError
from tickledger.settings import Settings

_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,200}")


@dataclass(frozen=True, slots=True)
class Access:
    """The token of a server, and where it may be reached: `port` on the loopback interface alone."""

    token: str = field(repr=False)
    port: int

    @property
    def cookie_name(self) -> str:
        """Browsers keep cookies by host, not by port: two servers on one machine must not log each other out."""
        return f"tickledger_{self.port}"

    @property
    def cookie(self) -> str:
        """What a browser that was let in shows from then on."""
        return self._derived("session")

    @property
    def form_key(self) -> str:
        """What a form of ours carries, so that a page of somebody else's cannot send it."""
        return self._derived("form")

    @property
    def hosts(self) -> frozenset[str]:
        """The names by which we are asked for; another is a name that was bent to this machine (DNS rebinding)."""
        return frozenset({f"127.0.0.1:{self.port}", f"localhost:{self.port}"})

    @property
    def login_address(self) -> str:
        """What a person opens; whoever reads it may come in."""
        return f"http://127.0.0.1:{self.port}/login?token={self.token}"

    def is_token(self, text: str) -> bool:
        """Whether `text` is the token; takes as long for a near miss as for any other."""
        return _same(text, self.token)

    def is_cookie(self, text: str) -> bool:
        """Whether `text` is the cookie that we gave."""
        return _same(text, self.cookie)

    def is_form_key(self, text: str) -> bool:
        """Whether a form is ours."""
        return _same(text, self.form_key)

    def _derived(self, purpose: str) -> str:
        return hmac.digest(self.token.encode(), f"tickledger {purpose} {self.port}".encode(), "sha256").hex()


def token_of(settings: Settings) -> str:
    """The token that the settings name, else a new one that nobody can guess.

    Raises ConfigurationError, without the token, where it is too short or cannot stand in an address as it is.
    """
    if settings.dashboard_token is None:
        return secrets.token_urlsafe(_BYTES)
    token = settings.dashboard_token.get_secret_value()
    if _TOKEN.fullmatch(token) is None:
        raise ConfigurationError(
            "TICKLEDGER_DASHBOARD_TOKEN: expected 16 to 200 letters, digits, - and _, found others, fewer or more"
        )
    return token


def _same(found: str, expected: str) -> bool:
    return hmac.compare_digest(found.encode(), expected.encode())
