"""Sums that are carried from one exposure to the next are those of the positions."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tickledger.risk.buying_power import MarginTerms, _Maintenance
from tickledger.risk.exposure import Exposure, SectorNotional, sector_of

SECTORS = {"A": "Tech", "B": "Tech", "C": "Health"}
TERMS = MarginTerms()
MEASURES = (SectorNotional("Tech", SECTORS), SectorNotional("unclassified", SECTORS), _Maintenance(TERMS))

numbers = st.decimals(-10_000, 10_000, places=3)
prices = st.decimals("0.01", 1_000, places=2)
moves = st.lists(st.tuples(st.sampled_from("ABCDE"), numbers, prices), max_size=20)


@given(moves=moves, asked=st.integers(0, 20))
def test_sums_carried_over_any_moves_are_those_made_anew(moves: list[tuple[str, Decimal, Decimal]], asked: int) -> None:
    carried = Exposure(equity=Decimal(1), cash=Decimal(1))
    for number, (symbol, quantity, price) in enumerate(moves):
        if number == asked:
            carried.gross_notional()
        carried = carried.moved(symbol, quantity=quantity, price=price)
    anew = Exposure(equity=Decimal(1), cash=Decimal(1), quantities=carried.quantities, prices=carried.prices)
    assert carried.gross_notional() == anew.gross_notional()
    assert [carried.total(measure) for measure in MEASURES] == [anew.total(measure) for measure in MEASURES]
    by_hand = sum(
        abs(shares) * carried.prices[name]
        for name, shares in carried.quantities.items()
        if sector_of(name, SECTORS) == "Tech"
    )
    assert carried.sector_notional("Tech", SECTORS) == by_hand
    assert carried == anew


def test_another_table_of_sectors_is_another_sum() -> None:
    exposure = Exposure(Decimal(1), Decimal(1), quantities={"A": Decimal(2)}, prices={"A": Decimal(3)})
    assert exposure.sector_notional("Tech", SECTORS) == 6
    assert exposure.sector_notional("Tech", {"A": "Health"}) == 0
    assert exposure.sector_notional("Health", {"A": "Health"}) == 6
