"""What a browser's address says, and what it may not."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from tickledger.api.dashboard.address import Address

names = st.text("abcdefgh", min_size=1, max_size=8)
values = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


def test_an_address_is_read_as_it_is_written() -> None:
    address = Address.of("/orders/", "?symbol=AAPL&status=&page=2")
    assert address == Address("/orders", {"symbol": "AAPL", "page": "2"})
    assert address.number("page") == 2
    assert address.number("symbol") == 0
    assert address.href == "/orders?symbol=AAPL&page=2"


@given(st.text(max_size=300), st.text(max_size=8000))
def test_any_text_is_some_address(path: str, search: str) -> None:
    address = Address.of(path, search)
    assert address.path.startswith("/")
    assert all(value and len(value) <= 200 for value in address.chosen.values())
    assert address.number("page") >= 0


@given(st.dictionaries(names, values, max_size=5))
def test_what_was_chosen_comes_back_from_the_address(chosen: dict[str, str]) -> None:
    address = Address("/tax", {name: value.strip() for name, value in chosen.items() if value.strip()})
    assert Address.of("/tax", address.search) == address
    assert dict(parse_qsl(address.search.removeprefix("?"))) == dict(address.chosen)


def test_another_page_is_of_the_same_account_and_nothing_else() -> None:
    address = Address("/orders", {"account": "DU1", "symbol": "AAPL"})
    assert address.on("/risk").href == "/risk?account=DU1"
    assert address.choosing(symbol=None, page="3").href == "/orders?account=DU1&page=3"
