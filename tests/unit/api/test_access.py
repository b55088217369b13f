"""The token, and what is derived from it."""

import pytest
from pydantic import SecretStr

from tickledger.api.access import Access, token_of
from tickledger.domain.errors import ConfigurationError
from tickledger.settings import Settings


def settings(token: str | None = None) -> Settings:
    return Settings(_env_file=None, dashboard_token=None if token is None else SecretStr(token))


ACCESS = Access("a-token-that-is-long-enough", 8050)


def test_only_the_token_is_the_token() -> None:
    assert ACCESS.is_token("a-token-that-is-long-enough")
    for guess in ("", "a-token-that-is-long-enoug", "a-token-that-is-long-enough ", ACCESS.cookie, "ä" * 27):
        assert not ACCESS.is_token(guess)


def test_cookie_and_form_key_are_not_the_token_and_not_each_other() -> None:
    assert len({ACCESS.token, ACCESS.cookie, ACCESS.form_key}) == 3
    assert ACCESS.is_cookie(ACCESS.cookie)
    assert not ACCESS.is_cookie(ACCESS.form_key)
    assert ACCESS.is_form_key(ACCESS.form_key)
    assert not ACCESS.is_form_key(ACCESS.cookie)


def test_what_one_server_gave_opens_no_other() -> None:
    for other in (Access("another-token-that-is-long", 8050), Access(ACCESS.token, 8051)):
        assert not other.is_cookie(ACCESS.cookie)
        assert not other.is_form_key(ACCESS.form_key)
        assert other.cookie_name != ACCESS.cookie_name or other.port == ACCESS.port


def test_the_token_is_in_no_text_of_it() -> None:
    assert ACCESS.token not in repr(ACCESS)


def test_a_new_token_is_another_each_time_and_a_set_one_stays() -> None:
    assert len({token_of(settings()) for _ in range(3)}) == 3
    assert token_of(settings("of-sixteen-chars")) == "of-sixteen-chars"


@pytest.mark.parametrize("bad", ["short", "with a space inside", "of-sixteen-chars\n", "wörter-ohne-ende"])
def test_a_token_that_could_be_guessed_or_cannot_stand_in_an_address_is_refused_without_being_shown(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="TICKLEDGER_DASHBOARD_TOKEN") as refused:
        token_of(settings(bad))
    assert bad not in str(refused.value)
