"""How finely shares have to be counted: the ratios of all that may happen to one security, one event after another.

What belongs here: which events touch each other's shares, and the numbers that make every division by them even.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm, prod

from tickledger.domain.corporate_action import CorporateAction


@dataclass(frozen=True, slots=True)
class Ratios:
    """The ratios of events, those together whose shares may meet: in a lot, or as a loss and its replacement."""

    chains: Sequence[Sequence[Fraction]] = ()
    joined: Mapping[str, str] = field(default_factory=dict)

    def family(self, symbol: str) -> str:
        """The name that stands for all securities whose shares may meet those of a symbol."""
        return _first(self.joined, symbol)

    @property
    def fineness(self) -> int:
        """Parts of a share that stay whole through all events, and back.

        The product of the denominators lasts for all splits, whatever is cut up between them; that of the
        numerators makes whole, in the shares of before a split, what an order takes after it.
        """
        return lcm(*(prod(ratio.denominator * ratio.numerator for ratio in chain) for chain in self.chains))

    @property
    def going_back(self) -> int:
        """What shares are counted in so that those of after the events are whole in the shares of before them."""
        return lcm(*(prod(ratio.numerator for ratio in chain) for chain in self.chains))

    @property
    def growth(self) -> Fraction:
        """How many shares one may become."""
        return max(
            (prod((max(ratio, Fraction(1)) for ratio in chain), start=Fraction(1)) for chain in self.chains),
            default=Fraction(1),
        )


def ratios_of(
    actions: Iterable[CorporateAction], *, identity: Mapping[str, str], underlyings: Mapping[str, str]
) -> Ratios:
    """The ratios of the actions, by what is identical, what turns into what, and what options are a right to."""
    told = list(actions)
    joined: dict[str, str] = {}
    renamed = ((action.symbol, action.new_symbol) for action in told if action.new_symbol is not None)
    for one, other in (*identity.items(), *underlyings.items(), *renamed):
        joined[_first(joined, one)] = _first(joined, other)
    chains: dict[str, list[Fraction]] = defaultdict(list)
    for action in told:
        if action.ratio is not None:
            chains[_first(joined, action.symbol)].append(action.ratio)
    return Ratios(list(chains.values()), joined)


def _first(joined: Mapping[str, str], name: str) -> str:
    """The name that stands for all that `name` is joined with."""
    while (further := joined.get(name, name)) != name:
        name = further
    return name
