"""A person opens the dashboard after the demonstration, with a mouse, a keyboard, a phone, by day and by night."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.dashboards import Dashboard, dashboard, drawn
from tests.browser.devtools import DESKTOP, PHONE, Tab, tab
from tests.demonstration import Demonstration
from tickledger.local_servers import locks

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

PAGES = {"overview": "/"}


@pytest.fixture(scope="module")
def running(demo: Demonstration) -> Iterator[Dashboard]:
    with dashboard(demo.home) as one:
        assert locks.poll(lambda: _answers(one), seconds=60, every=0.2), one.messages.read_text()
        yield one


@pytest.fixture(scope="module")
def page(running: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with tab(tmp_path_factory.mktemp("profile")) as one:
        running.enter(one)
        yield one


def _answers(one: Dashboard) -> bool:
    asked = ["curl", "-s", "-o", "/dev/null", "--noproxy", "*", f"{one.root}/health"]
    return subprocess.run(asked, check=False).returncode == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_light_and_dark_and_on_a_phone(running: Dashboard, page: Tab, name: str) -> None:
    page.said.clear()
    for size, scheme, suffix in ((DESKTOP, "light", ""), (DESKTOP, "dark", "_dark"), (PHONE, "light", "_phone")):
        page.look_like(size, scheme)
        running.go(page, PAGES[name])
        assert not page.is_too_wide(), f"{name}{suffix} scrolls sideways"
        picture = page.photograph(f"dashboard_{name}{suffix}")
        assert picture.stat().st_size > 20_000
    page.look_like(DESKTOP, "light")
    assert page.said == []


def test_everything_comes_from_this_machine(running: Dashboard, page: Tab) -> None:
    page.requested.clear()
    for path in PAGES.values():
        running.go(page, path)
    own = (f"{running.root}/", "data:", "blob:")
    assert [url for url in page.requested if not url.startswith(own)] == []


def test_the_overview_says_what_the_account_is_worth_and_how_real_it_is(running: Dashboard, page: Tab) -> None:
    running.go(page, "/")
    told = page.text()
    assert "SIMULATED · no real money" in told
    assert "Net asset value" in told
    assert "close of 2012-12-31" in told
    assert "Times are New York's" in told


def test_a_first_look_takes_less_than_a_second(running: Dashboard, page: Tab) -> None:
    running.go(page, "/")  # what a browser keeps is kept
    page.open(f"{running.root}/")
    drawn(page)
    milliseconds = page.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
    shown = page.run("performance.getEntriesByType('resource').at(-1).responseEnd")
    print(f"loaded after {milliseconds:.0f} ms, drawn after about {shown:.0f} ms")


def test_without_the_token_there_is_only_a_way_in(running: Dashboard, tmp_path: Path) -> None:
    with tab(tmp_path / "profile") as stranger:
        stranger.open(f"{running.root}/?account=SIM0001")
        stranger.until_shown("Log in")
        stranger.photograph("dashboard_login")
        stranger.click("#token")
        stranger.type("a guess")
        stranger.press("Enter")
        stranger.until_shown("That is not the token of this server")
        stranger.click("#token")
        stranger.type(running.token)
        stranger.press("Enter")
        stranger.until_shown("SIMULATED")
        assert "token" not in stranger.run("location.href")
        assert stranger.run("document.cookie") == ""
    assert running.token not in running.messages.read_text()
