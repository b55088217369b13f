"""The file that rows come from."""

from dataclasses import dataclass, field

from tickledger.reconciliation.statements.terms import ReadingTerms
from tickledger.reconciliation.statements.times import Moments


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows come from: the name of the file, and how its texts are meant."""

    name: str
    terms: ReadingTerms = field(default_factory=ReadingTerms)
    moments: Moments = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "moments", Moments(self.terms))
