"""Chromium driven over its DevTools protocol: a page that is clicked, typed on, resized, and photographed.

`chromium.browse` looks at a page once; here a person uses it.
"""

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.browser.chromium import CHROMIUM, SCREENSHOTS
from tickledger.local_servers import locks

PATIENCE = 15.0
Size = tuple[int, int]
DESKTOP: Size = (1440, 900)
PHONE: Size = (375, 812)
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, " ": 32}


class PageError(AssertionError):
    """The page did not do what was waited for."""


@dataclass
class Tab:
    """One tab; `said` is what the page complained of: script errors, refusals by its policy, requests elsewhere."""

    socket: ClientConnection
    session: str
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    _next: int = 0

    def ask(self, method: str, **params: object) -> Any:
        self._next += 1
        self.socket.send(json.dumps({"id": self._next, "method": method, "params": params, "sessionId": self.session}))
        while True:
            told = json.loads(self.socket.recv(timeout=30))
            if told.get("id") == self._next:
                if "error" in told:
                    raise PageError(f"{method}: {told['error']}")
                return told["result"]
            self._note(told)

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def run(self, expression: str) -> Any:
        """What `expression` is on the page."""
        told = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise PageError(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def until(self, expression: str, *, seconds: float = PATIENCE) -> None:
        """Wait until `expression` holds on the page."""

        def holds() -> bool:
            try:
                return bool(self.run(expression))
            except PageError:  # the page is being replaced
                return False

        if not locks.poll(holds, seconds=seconds, every=0.1):
            raise PageError(f"{expression} did not come true; the page says: {self.text()[:1500]}; {self.said}")

    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def until_shown(self, words: str) -> None:
        self.until(f"document.body.innerText.includes({json.dumps(words)})")

    def click(self, selector: str) -> None:
        """Click the middle of the first element of `selector`, as a mouse does."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.until(f"!!{found}")
        place = self.run(
            f"(() => {{ const e = {found}; e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self.click_at(*place)

    def click_at(self, x: float, y: float) -> None:
        """Click at a place of the window."""
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, **at)

    def press(self, key: str, times: int = 1) -> None:
        code = _KEYS[key]
        text = {"Enter": "\r", " ": " "}.get(key)
        for _ in range(times):
            named = {"key": key, "code": key if key != " " else "Space", "windowsVirtualKeyCode": code}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **named, **({"text": text} if text else {}))
            self.ask("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def look_like(self, size: Size, scheme: str) -> None:
        """A window of `size`, a phone's where it is narrow, on a system that likes `scheme`: light or dark."""
        width, height = size
        phone = width < 600
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def photograph(self, name: str, *, whole: bool = True) -> Path:
        """Keep a picture of the page, all of it, and print where it is."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        picture = SCREENSHOTS / f"{name}.png"
        taken = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        picture.write_bytes(b64decode(taken["data"]))
        print(f"screenshot: {picture}")
        return picture

    def is_too_wide(self) -> bool:
        """Whether the page as a whole scrolls sideways."""
        return bool(self.run("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"))

    def _note(self, told: dict[str, Any]) -> None:
        params = told.get("params", {})
        match told.get("method"):
            case "Runtime.exceptionThrown":
                self.said.append(str(params["exceptionDetails"].get("exception", {}).get("description", params)))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.said.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                self.said.append(" ".join(str(part.get("value", part.get("description"))) for part in params["args"]))
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])


@contextmanager
def tab(profile: Path) -> Iterator[Tab]:
    """A tab of a Chromium of its own, which is ended with it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    flags = (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
        *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
    )
    profile.mkdir(parents=True, exist_ok=True)
    messages = profile / "stderr"
    with messages.open("w") as stderr, subprocess.Popen([CHROMIUM, *flags], stderr=stderr) as browser:
        try:
            with connect(_address(messages), max_size=None, proxy=None) as socket:
                yield _first_tab(socket)
        finally:
            browser.terminate()
            browser.wait(20)


def _address(messages: Path) -> str:
    pattern = re.compile(r"DevTools listening on (ws://\S+)")
    assert locks.poll(lambda: bool(pattern.search(messages.read_text())), seconds=30, every=0.1), messages.read_text()
    found = pattern.search(messages.read_text())
    assert found
    return found[1]


def _first_tab(socket: ClientConnection) -> Tab:
    browser = Tab(socket, "")
    target = _without_session(socket, "Target.createTarget", url="about:blank")["targetId"]
    session = _without_session(socket, "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    browser.session = session
    for domain in ("Page", "Runtime", "Log", "Network"):
        browser.ask(f"{domain}.enable")
    browser.look_like(DESKTOP, "light")
    return browser


def _without_session(socket: ClientConnection, method: str, **params: object) -> Any:
    socket.send(json.dumps({"id": 0, "method": method, "params": params}))
    while True:
        told = json.loads(socket.recv(timeout=30))
        if told.get("id") == 0:
            return told["result"]
