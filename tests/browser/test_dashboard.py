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

PAGES = {
    "overview": "/",
    "orders": "/orders",
    "executions": "/orders?show=fills&day=2012-09-26",
    "costs": "/orders?show=costs",
    "strategies": "/strategies",
    "signals": "/strategies?show=signals",
    "models": "/strategies?show=models",
    "risk": "/risk",
    "reconciliation": "/reconciliation",
    "tax_form_8949": "/tax",
    "tax_schedule_d": "/tax?show=schedule&year=2011",
    "tax_gains": "/tax?show=gains",
    "tax_lots": "/tax?show=lots",
    "tax_wash_sales": "/tax?show=wash",
    "lineage": "/lineage",
}
#: The pages themselves, without their parts.
ROOTS = ("/", "/orders", "/strategies", "/risk", "/reconciliation", "/tax", "/lineage")


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


def focus_order(page: Tab, *, steps: int) -> list[str]:
    """What has the focus after each press of Tab."""
    seen = []
    for _ in range(steps):
        page.press("Tab")
        seen.append(page.run("document.activeElement.innerText || document.activeElement.ariaLabel || ''"))
    return seen


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
    for path in ROOTS:
        running.go(page, path)
    own = (f"{running.root}/", "data:", "blob:")
    assert [url for url in page.requested if not url.startswith(own)] == []


def test_the_overview_says_what_the_account_is_worth_and_how_real_it_is(running: Dashboard, page: Tab) -> None:
    running.go(page, "/")
    told = page.text()
    assert "SIMULATED · no real money" in told
    assert "Net asset value" in told
    assert "close of 2012-12-31" in told
    assert "All times are New York's" in told


def test_a_first_look_is_timed(running: Dashboard, page: Tab) -> None:
    running.go(page, "/")  # what a browser keeps is kept
    page.run("performance.clearResourceTimings()")
    began = page.run("Date.now()")
    page.open(f"{running.root}/")
    drawn(page)
    loaded = page.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
    shown = page.run("Math.max(...performance.getEntriesByType('resource').map(one => one.responseEnd))")
    print(f"loaded after {loaded:.0f} ms, everything here after {shown:.0f} ms, limit 1,000 ms")
    assert page.run("Date.now()") > began


def test_pages_are_reached_and_filtered_with_the_keyboard_alone(running: Dashboard, page: Tab) -> None:
    running.go(page, "/")
    page.press("Tab")
    assert page.run("document.activeElement.innerText") == "Skip to the content"
    assert page.run("document.activeElement.getBoundingClientRect().x >= 0"), "the skip link is seen when it has focus"
    seen = focus_order(page, steps=10)  # up to the last link of the navigation
    assert seen.index("Tickledger") < seen.index("Orders") < seen.index("Lineage")
    page.run("[...document.querySelectorAll('#navigation a')].find(link => link.innerText === 'Orders').focus()")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", "focus is seen"
    page.press("Enter")
    page.until("document.title.startsWith('Orders and executions')")
    drawn(page)
    page.run("document.querySelector('input[id*=day]').focus()")
    page.type("2012-12-26")
    page.press("Enter")
    page.until("location.search.includes('day=2012-12-26')")
    page.until("document.querySelectorAll('tbody tr').length === 1")
    assert "2012-12-26" in page.text()
    assert page.run("document.activeElement.tagName") == "INPUT", "who filters may go on typing"
    page.run("history.back()")
    page.until("document.querySelectorAll('tbody tr').length > 10")


def test_every_scrolling_part_and_every_control_can_be_reached(running: Dashboard, page: Tab) -> None:
    for path in ROOTS:
        running.go(page, path)
        controls = "#content button, #content a, #content input:not([type=hidden], [aria-hidden])"
        unnamed = f"[...document.querySelectorAll('{controls}')]"
        named = "one => (one.innerText || one.ariaLabel || one.closest('label') || one.placeholder)"
        assert page.run(f"{unnamed}.every({named})"), f"a control of {path} has no name"
        parts = "[...document.querySelectorAll('.scroll')].every(one => one.tabIndex === 0 && one.ariaLabel)"
        assert page.run(parts), f"a table of {path} cannot be scrolled with the keyboard"
        assert page.run("document.querySelectorAll('h1').length") == 1
        assert page.run("document.querySelector('#navigation [aria-current=page]') !== null")


def test_the_theme_can_be_chosen_and_is_kept(running: Dashboard, page: Tab) -> None:
    running.go(page, "/")
    light = page.run("getComputedStyle(document.body).backgroundColor")
    page.click("#theme-toggle")
    page.click("#theme-toggle")
    page.until_shown("Theme: dark")
    dark = page.run("getComputedStyle(document.body).backgroundColor")
    running.go(page, "/tax")
    assert page.run("getComputedStyle(document.body).backgroundColor") == dark != light
    page.click("#theme-toggle")
    page.until_shown("Theme: system")


def test_a_form_line_is_followed_down_to_the_bar(running: Dashboard, page: Tab, demo: Demonstration) -> None:
    running.go(page, "/tax?show=form&year=2012")
    page.run("[...document.querySelectorAll('tbody a')].find(link => link.innerText.includes('92 sh. IBM')).click()")
    page.until("location.pathname === '/lineage'")
    drawn(page)
    page.until("!!document.getElementById('lineage-graph')?._cyreg?.cy")
    kinds = set(page.run("document.getElementById('lineage-graph')._cyreg.cy.nodes().map(node => node.data('kind'))"))
    chain = {"form line", "realized gain", "tax lot", "execution", "order", "signal", "model version", "feature row"}
    assert kinds >= chain | {"bar", "ingestion", "risk decision"}
    listed = page.run("[...document.querySelectorAll('tbody td:nth-child(2)')].map(cell => cell.innerText)")
    assert kinds == set(listed), "the list says in words what the graph shows"
    place = page.run(
        "(() => { const cy = document.getElementById('lineage-graph')._cyreg.cy;"
        " const box = document.getElementById('lineage-graph').getBoundingClientRect();"
        " const at = cy.nodes().filter(node => node.data('kind') === 'ingestion')[0].renderedPosition();"
        " return [box.x + at.x, box.y + at.y]; })()"
    )
    page.run(f"window.scrollTo(0, {place[1]} - 300)")
    top = page.run("window.scrollY")
    page.click_at(place[0], place[1] - top)
    page.until("document.querySelector('#lineage-detail').innerText.includes('sha256')")
    before = page.run("document.getElementById('lineage-graph')._cyreg.cy.zoom()")
    page.click("[data-zoom=in]")
    assert page.run("document.getElementById('lineage-graph')._cyreg.cy.zoom()") > before
    page.click("[data-zoom=fit]")
    page.run("window.scrollTo(0, 0)")
    page.photograph("dashboard_lineage_graph")
    page.look_like(DESKTOP, "dark")
    page.photograph("dashboard_lineage_graph_dark")
    page.look_like(DESKTOP, "light")
    page.look_like(PHONE, "light")
    running.go(page, f"/lineage?id={demo.summary['explain']}")
    page.until("document.getElementById('lineage-graph')?._cyreg?.cy?.zoom() >= 0.6")
    assert not page.is_too_wide()
    page.photograph("dashboard_lineage_graph_phone")
    page.look_like(DESKTOP, "light")


def test_what_is_not_there_is_said(running: Dashboard, page: Tab) -> None:
    for path, told in (
        ("/nothing", "There is no such page"),
        ("/?account=DU777", "No account DU777 is recorded"),
        ("/orders?day=yesterday", "expected a date such as"),
        ("/orders?symbol=AAPL&status=REJECTED", "No order matches"),
        ("/lineage?id=line_of_nobody", "expected"),
    ):
        running.go(page, path)
        page.until_shown(told)


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
