"""Run the conformance suite against any program with the interface of ``docs/conformance.md``.

Prints each case that differs, then how many passed, failed, are disputed, and have no form in files. Exit status 1
if a case failed that is not disputed, 2 if the program cannot be started.
"""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.golden.tax.conformance.files import problems_of
from tests.golden.tax.conformance.suite import CASES, Case, History, read_cases

FEW = 3


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    command = shlex.split(options.command)
    if not command or shutil.which(command[0]) is None:
        print(f"--command: expected a program that can be started, found {options.command!r}", file=sys.stderr)
        return 2
    cases = [case for case in read_cases(options.cases) if options.only in case.id]
    counts = Counter[str]()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, (outcome, problems) in zip(cases, pool.map(partial(_outcome, command=command), cases), strict=True):
            counts[outcome] += 1
            if problems and (outcome == "failed" or options.verbose):
                print(f"{case.id} ({case.topic}{', disputed' if case.is_disputed else ''}): {case.title}")
                print(*(f"    {problem}" for problem in problems[: None if options.verbose else FEW]), sep="\n")
    print(f"{counts['disputed']} disputed and read otherwise, {counts['no form']} without a form in files")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return int(counts["failed"] > 0)


def _outcome(case: Case, *, command: Sequence[str]) -> tuple[str, list[str]]:
    if not isinstance(case.question, History):
        return "no form", []
    with tempfile.TemporaryDirectory() as folder:
        problems = problems_of(case.question, command=command, folder=Path(folder))
    if not problems:
        return "passed", []
    return "disputed" if case.is_disputed else "failed", problems


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.golden.tax.conformance", description=__doc__)
    parser.add_argument("--command", default="tickledger tax", help="the program under test, with leading arguments")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose id contains the text")
    parser.add_argument("--cases", type=Path, default=CASES, metavar="FOLDER", help="where the cases lie")
    parser.add_argument("-v", "--verbose", action="store_true", help="every difference, of disputed cases as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
