"""What Tickledger makes of the conformance suite: the table of ``docs/conformance.md``, and why where it differs.

``python -m tests.golden.tax.our_results`` writes the table anew; a test tells where it is not what would be written.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.golden.tax.conformance.suite import Case, History, Row, read_cases
from tests.golden.tax.through_library import differences_of

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "conformance.md"

#: Cases whose rows we do not follow, and why; each is disputed.
OTHER_READINGS: Final[Mapping[str, str]] = {
    "irs-p550-constructive-sale-baker": "constructive sales (IRC 1259) are told, not computed: whether the exception "
    "of 1259(c)(3) applies is known only after the year has ended",
    "tp-literal-same-lot": "the rest of one purchase does not replace what was sold of it (Rev. Rul. 56-602)",
    "bc-average": "average basis is refused for stock (Reg. 1.1012-1(e)); first in, first out gives a basis of 2,000",
}
_START: Final = "<!-- our results: written by python -m tests.golden.tax.our_results -->\n"
_END: Final = "<!-- end of our results -->\n"
_TOPICS: Final[Mapping[str, str]] = {
    "wash_sales": "Wash sales",
    "lot_selection": "Which lot is sold, and its basis",
    "holding_period": "Holding period",
    "corporate_actions": "Corporate actions",
    "short_sales": "Short sales",
    "options": "Options",
    "form_8949": "Form 8949",
    "capital_loss": "Limit on losses and carryover",
}


def outcome(case: Case) -> str:
    """``pass``, or in words why not; says ``fail`` for a difference that nobody has explained."""
    if case.id in OTHER_READINGS:
        return f"other reading: {OTHER_READINGS[case.id]}"
    return "fail" if differences_of(case) else "pass"


def page_with_results(page: str) -> str:
    """The page with what stands between its two marks written anew."""
    before, _, rest = page.partition(_START)
    _, _, after = rest.partition(_END)
    return f"{before}{_START}{_results(read_cases())}{_END}{after}"


def _results(cases: Sequence[Case]) -> str:
    order = list(_TOPICS)
    ordered = sorted(cases, key=lambda case: order.index(case.topic))
    outcomes = {case.id: outcome(case) for case in ordered}
    passed = sum(found == "pass" for found in outcomes.values())
    lines = ["", f"{passed} of {len(cases)} cases pass.", ""]
    for topic, of_topic in groupby(ordered, key=lambda case: case.topic):
        lines += [f"### {_TOPICS[topic]}", "", *_table(list(of_topic), outcomes), ""]
    return "\n".join(lines) + "\n"


def _table(cases: Sequence[Case], outcomes: Mapping[str, str]) -> Iterator[str]:
    yield "| case | what it asks | source | rests on | ours |"
    yield "|---|---|---|---|---|"
    for case in cases:
        rests_on = ", ".join(case.question.policies) if isinstance(case.question, History) else ""
        disputed = " (disputed)" if case.is_disputed else ""
        yield f"| `{case.id}`{disputed} | {case.title} | {_cited(case.source)} | {rests_on} | {outcomes[case.id]} |"


def _cited(source: Row) -> str:
    named = source.get("document") or source["repository"]
    path = source.get("path", "").rpartition("::")[2].rpartition("/")[2]
    where = source.get("section") or (f"`{path}`" if path else "")
    text = f"{named}, {where}" if where else named
    return f"[{text}]({source['url']})" if "url" in source else text


if __name__ == "__main__":
    PAGE.write_text(page_with_results(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
