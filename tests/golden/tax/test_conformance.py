"""The conformance suite: its files keep their format, its runner tells right from wrong, and we pass it."""

import json
from collections import Counter
from dataclasses import fields, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from tests.command import TICKLEDGER
from tests.golden.tax.conformance.__main__ import main
from tests.golden.tax.conformance.comparing import differences
from tests.golden.tax.conformance.files import write_inputs
from tests.golden.tax.conformance.suite import CASES, Case, History, read_cases
from tests.golden.tax.our_results import OTHER_READINGS, PAGE, page_with_results
from tests.golden.tax.through_library import computed, differences_of
from tickledger.tax.methods import Method
from tickledger.tax.policies import Policies
from tickledger.tax.result import TaxResult

ALL = read_cases()
HISTORIES = [(case, case.question) for case in ALL if isinstance(case.question, History)]


def _case(name: str) -> Case:
    return next(case for case in ALL if case.id == name)


def _history(name: str) -> History:
    question = _case(name).question
    assert isinstance(question, History)
    return question


@pytest.mark.parametrize("case", [case for case in ALL if case.id not in OTHER_READINGS], ids=lambda case: str(case.id))
def test_we_find_what_a_case_expects(case: Case) -> None:
    assert differences_of(case) == []


@pytest.mark.parametrize("name", [name for name in OTHER_READINGS if name != "bc-average"])
def test_a_case_that_we_read_otherwise_is_disputed_and_does_differ(name: str) -> None:
    assert _case(name).is_disputed
    assert differences_of(_case(name)) != []


def test_the_average_of_purchases_is_no_basis_of_stock() -> None:
    """Reg. 1.1012-1(e): regulated investment companies and dividend reinvestment plans only."""
    average = _history("bc-average")
    assert average.method not in list(Method)
    result = computed(replace(average, method="fifo"))
    assert [str(gain.basis) for gain in result.gains] == ["2000.00"]


def test_a_constructive_sale_is_told() -> None:
    (problem,) = computed(_history("irs-p550-constructive-sale-baker")).problems
    assert problem.severity == "warning"
    assert "1259" in problem.expected


def test_a_sale_out_of_one_purchase_is_allowed_its_loss() -> None:
    """Rev. Rul. 56-602: what the disputed case's note says the rows should be."""
    result = computed(_history("tp-literal-same-lot"))
    assert [str(gain.gain_loss) for gain in result.gains] == ["-40.00"]
    assert [(str(lot.quantity), str(lot.adjusted_basis)) for lot in result.open_lots] == [("6", "600.00")]


def test_pieces_of_real_fills_add_up_to_the_cent() -> None:
    """csingley/capgains states which short each purchase covers; the amounts follow, 7,808.93 in all."""
    history = _history("cg-ib-short-series-mingain")
    gains = computed(history).gains
    assert {(gain.open_execution_id, gain.close_execution_id): str(gain.quantity) for gain in gains} == {
        (row["open_execution_id"], row["close_execution_id"]): row["quantity"] for row in history.gains
    }
    assert str(sum(gain.gain_loss for gain in gains)) == "7808.93"


@pytest.mark.parametrize("name", ["irs-p550-short-sale-ace", "irs-schedd-short-sale-xyz"])
def test_shares_bought_and_then_delivered_close_a_short_as_covering_it_does(name: str) -> None:
    """As the publications tell it: a purchase, and the delivery of what was bought."""
    case, history = _case(name), _history(name)
    short, cover = history.fills
    bought = {**cover, "execution_id": "B1", "side": "BUY"}
    delivered = {**cover, "side": "DELIVER", "gross_amount": "0", "lots": f"B1:{cover['quantity']}"}
    told_in_two = replace(history, fills=(short, bought, delivered))
    assert differences_of(replace(case, question=told_in_two)) == []


def _rows(result: TaxResult) -> list[tuple[object, ...]]:
    gains: list[tuple[object, ...]] = [
        (gain.close_execution_id, gain.open_execution_id, gain.quantity, gain.holding_start, gain.basis, gain.gain_loss)
        for gain in result.gains
    ]
    lots = [(lot.open_execution_id, lot.quantity, lot.holding_start, lot.adjusted_basis) for lot in result.open_lots]
    return sorted([*gains, *lots], key=repr)


def test_a_case_names_the_policies_that_its_rows_depend_on() -> None:
    """Each policy that can be set otherwise is, one at a time: the rows change where it is named, and only there."""
    for case, history in HISTORIES:
        if case.id in OTHER_READINGS:
            continue
        ours = _rows(computed(history))
        for number, setting in enumerate(fields(Policies), start=1):
            default: StrEnum = getattr(Policies(), setting.name)
            for other in set(type(default)) - {default}:
                changed: dict[str, Any] = {setting.name: other}
                is_changed = _rows(computed(history, policies=replace(Policies(), **changed))) != ours
                assert is_changed == (f"P{number}" in history.policies), (case.id, setting.name, other)
                assert history.policies.get(f"P{number}", default) == default


def test_the_page_tells_our_results_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_results(page), "run python -m tests.golden.tax.our_results"


def test_every_file_keeps_the_format() -> None:
    jsonschema: Any = pytest.importorskip("jsonschema")
    schema = json.loads((CASES / "schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    paths = sorted({*CASES.glob("*.json")} - {CASES / "schema.json"})
    errors = [
        (path.name, list(error.path), error.message)
        for path in paths
        for error in validator.iter_errors(json.loads(path.read_text(encoding="utf-8")))
    ]
    assert errors == []
    assert len(paths) == 8


def test_there_are_99_cases_each_with_a_source_and_an_id_of_its_own() -> None:
    assert len(ALL) == 99
    assert Counter(case.id for case in ALL).most_common(1)[0][1] == 1
    assert all(case.stated or case.derived for case in ALL)
    assert {case.id for case in ALL} >= {*OTHER_READINGS}


@pytest.mark.parametrize("case", [case for case, _ in HISTORIES], ids=lambda case: str(case.id))
def test_expected_rows_add_up_to_a_cent(case: Case) -> None:
    """gain_loss = proceeds − basis + disallowed_loss; pieces that the source rounds may be a cent off."""
    history = case.question
    assert isinstance(history, History)
    for row in history.gains:
        gain = Decimal(row["proceeds"]) - Decimal(row["basis"]) + Decimal(row["disallowed_loss"])
        assert abs(gain - Decimal(row["gain_loss"])) <= Decimal("0.01"), row
        assert (row["adjustment_code"] == "W") == (Decimal(row["disallowed_loss"]) > 0)


def test_a_row_in_pieces_is_the_same_row() -> None:
    history = _history("irs-vita-wash-case-study-1")
    (whole,), open_lots = history.gains, history.open_lots
    half = {**whole, "quantity": "50", "proceeds": "375", "basis": "500", "disallowed_loss": "125"}
    assert differences(history, gains=[half, half], open_lots=open_lots) == []
    assert differences(history, gains=[half], open_lots=open_lots) == [
        "gain S1 B1 2024-02-01 S: quantity expected 100, found 50",
        "gain S1 B1 2024-02-01 S: proceeds expected 750.00, found 375",
        "gain S1 B1 2024-02-01 S: basis expected 1000.00, found 500",
        "gain S1 B1 2024-02-01 S: disallowed_loss expected 250.00, found 125",
    ]
    assert differences(history, gains=[whole], open_lots=[]) == [
        "open lot X B2 2024-02-26: quantity expected 100, found 0",
        "open lot X B2 2024-02-26: adjusted_basis expected 1050.00, found 0",
    ]


def test_the_files_of_a_case_have_the_documented_columns(tmp_path: Path) -> None:
    arguments = write_inputs(_history("derived-reverse-split-cil"), tmp_path)
    assert arguments[-2:] == ["--method", "specific"]
    assert (tmp_path / "fills.csv").read_text().splitlines() == [
        "execution_id,order_id,account,symbol,side,quantity,price,gross_amount,commission,executed_at,lots",
        "B1,B1,T1,X,BUY,105,10.0000000000,1050,0,2024-01-02,",
    ]
    assert (tmp_path / "corporate_actions.csv").read_text().splitlines()[1] == "X,2025-03-10,split,1/10,,,,,45"
    write_inputs(_history("irs-p550-option-close-writer"), tmp_path)
    assert (tmp_path / "fills.csv").read_text().splitlines()[1] == (
        "W1,W1,T1,JJJ C,SELL_SHORT,10,4.0000000000,4000,0,2025-04-08,,option,JJJ,2025-12-19,100,C,100"
    )


PROGRAM = """
import csv, pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir()
(out / "gains.csv").write_text('''\
close_execution_id,open_execution_id,holding_start,term,quantity,proceeds,basis,disallowed_loss,gain_loss
S1,B1,2024-02-01,S,100,750.00,1000.00,{disallowed},{gain}
''')
(out / "lots.csv").write_text('''\
symbol,open_execution_id,holding_start,quantity,adjusted_basis
X,B2,2024-02-26,100,1050.00
''')
"""


@pytest.fixture(params=["250.00", "0.00"])
def disallowed(request: pytest.FixtureRequest) -> str:
    """What a program says that is right, or wrong."""
    return str(request.param)


def test_the_runner_judges_any_program(tmp_path: Path, capsys: pytest.CaptureFixture[str], disallowed: str) -> None:
    program = tmp_path / "program.py"
    gain = Decimal(disallowed) - Decimal("250.00")
    program.write_text(PROGRAM.format(disallowed=disallowed, gain=gain))
    is_wrong = gain < 0
    assert main(["--command", f"python3 {program}", "--only", "irs-vita"]) == is_wrong
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == ("0 passed, 1 failed" if is_wrong else "1 passed, 0 failed")
    assert ("disallowed_loss expected 250.00, found 0" in printed) == is_wrong


def test_a_program_that_fails_has_failed_the_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--command", "python3 -c 'import sys; sys.exit(7)'", "--only", "irs-vita"]) == 1
    assert "exit status 7" in capsys.readouterr().out
    assert main(["--command", "no-such-program-anywhere"]) == 2
    assert "expected a program that can be started" in capsys.readouterr().err


def test_our_command_passes_what_the_runner_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--command", f"{TICKLEDGER} tax", "--only", "tp-ny-date-window"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"
