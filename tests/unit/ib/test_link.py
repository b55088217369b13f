from tickledger.domain.broker import Connectivity
from tickledger.ib.link import Effect, LinkState


def test_a_lost_link_degrades_and_its_return_asks_for_all() -> None:
    link = LinkState()
    assert link.take(1100, "Connectivity between IB and Trader Workstation has been lost.") == frozenset()
    assert (link.connectivity, link.has_link) == (Connectivity.DEGRADED, False)
    assert link.take(1102, "restored - data maintained") == {Effect.SNAPSHOT}
    assert (link.connectivity, link.has_link) == (Connectivity.CONNECTED, True)


def test_a_link_that_returns_without_data_asks_for_them_too() -> None:
    link = LinkState()
    link.take(1100, "lost")
    assert link.take(1101, "restored - data lost") == {Effect.SNAPSHOT, Effect.RESUBSCRIBE}


def test_a_farm_that_returns_is_subscribed_again_and_others_are_not_forgotten() -> None:
    link = LinkState()
    link.take(2103, "Market data farm connection is broken:usfarm")
    link.take(2103, "Market data farm connection is broken:usfarm.nj")
    assert (link.connectivity, link.has_link) == (Connectivity.DEGRADED, True)
    assert link.take(2104, "Market data farm connection is OK:usfarm") == {Effect.SNAPSHOT, Effect.RESUBSCRIBE}
    assert link.lost_farms == {"usfarm.nj"}
    assert link.take(2108, "Market data farm connection is inactive but available:usfarm.nj")
    assert link.connectivity is Connectivity.CONNECTED


def test_a_farm_that_was_never_lost_says_nothing_new() -> None:
    assert LinkState().take(2104, "Market data farm connection is OK:usfarm") == frozenset()


def test_a_historical_farm_does_not_degrade_orders() -> None:
    link = LinkState()
    link.take(2105, "HMDS data farm connection is broken:ushmds")
    assert link.connectivity is Connectivity.CONNECTED


def test_a_broken_server_connection_ends_when_a_farm_answers() -> None:
    link = LinkState()
    link.take(2110, "Connectivity between TWS and server is broken.")
    assert not link.has_link
    assert link.take(2104, "Market data farm connection is OK:usfarm") == {Effect.SNAPSHOT}
    assert link.has_link


def test_an_answering_farm_does_not_end_1100() -> None:
    link = LinkState()
    link.take(1100, "lost")
    link.take(2104, "Market data farm connection is OK:usfarm")
    assert not link.has_link


def test_a_port_that_moved_asks_for_another_connection() -> None:
    assert LinkState().take(1300, "Socket port has been reset") == {Effect.RECONNECT}
