"""Names of keys: the specification's, and never one for two different values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cached import PAPER
from tickledger.cache.keys import LIFETIMES, Kind, Scope
from tickledger.domain.account import Mode

Name = tuple[Scope, Kind, tuple[str, ...]]

SIMULATED = Scope(Mode.SIMULATED, "SIM1", is_simulated_market=True)


@pytest.mark.parametrize(
    ("kind", "parts", "key"),
    [
        (Kind.QUOTE, ["AAPL"], "market:quote:AAPL"),
        (Kind.QUOTE, ["BRK B"], "market:quote:BRK B"),
        (Kind.BARS, ["AAPL", "1min"], "market:ohlcv:AAPL:1min"),
        (Kind.SIGNAL, ["momentum", "AAPL"], "signal:paper:DU123:momentum:AAPL"),
        (Kind.POSITION, ["AAPL"], "position:current:paper:DU123:AAPL"),
        (Kind.PORTFOLIO, [], "portfolio:summary:paper:DU123"),
        (Kind.LIMITS, [], "risk:limits:position:paper:DU123"),
        (Kind.EXPOSURE, [], "risk:exposure:current:paper:DU123"),
        (Kind.SESSION, [], "session:state:paper:DU123"),
    ],
)
def test_a_key_is_named_as_specified_with_mode_and_account_where_it_is_about_one(
    kind: Kind, parts: list[str], key: str
) -> None:
    assert PAPER.key(kind, *parts) == key


def test_prices_of_a_simulated_market_have_keys_and_channels_of_their_own() -> None:
    assert SIMULATED.key(Kind.QUOTE, "AAPL") == "simulated:market:quote:AAPL"
    assert SIMULATED.channel(Kind.QUOTE) != PAPER.channel(Kind.QUOTE)


def test_the_lifetimes_are_the_specified_ones() -> None:
    minutes = {kind: lifetime.seconds / 60 for kind, lifetime in LIFETIMES.items()}
    specified = {Kind.QUOTE: 5, Kind.BARS: 5, Kind.SIGNAL: 15, Kind.LIMITS: 60, Kind.EXPOSURE: 60}
    assert minutes.items() >= specified.items()
    assert minutes.keys() == set(Kind)


scopes = st.builds(Scope, st.sampled_from(Mode), st.text(min_size=1, max_size=6), is_simulated_market=st.booleans())
names = st.tuples(scopes, st.sampled_from(Kind), st.lists(st.text(max_size=6), max_size=2).map(tuple))


def identity(name: Name) -> tuple[object, ...]:
    scope, kind, parts = name
    of = (scope.is_simulated_market,) if kind.is_of_the_market else (scope.mode, scope.account_id)
    return (kind, *of, *parts)


@given(names, names)
def test_two_values_share_a_key_only_where_they_are_one(one: Name, other: Name) -> None:
    keys = [scope.key(kind, *parts) for scope, kind, parts in (one, other)]
    assert (keys[0] == keys[1]) == (identity(one) == identity(other))


@given(names)
def test_a_prefix_finds_the_keys_of_its_kind_and_means_nothing_in_a_pattern(name: Name) -> None:
    scope, kind, parts = name
    if parts:
        assert scope.key(kind, *parts).startswith(scope.prefix(kind))
    assert not set("*?[]\\^") & set(scope.prefix(kind))
