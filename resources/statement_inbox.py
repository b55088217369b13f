"""Where statements come from: a folder that a person fills, and the Flex Web Service where its token is set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dagster as dg
from pydantic import SecretStr
from sqlalchemy import Engine

from resources.flex_web_service import FlexWebService
from tickledger.db.statements import record_statement_file
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, InputError, Problem
from tickledger.execution.clock import WallClock
from tickledger.reconciliation.statement import StatementFile
from tickledger.reconciliation.statements.reading import read_statement
from tickledger.settings import load_settings

_PARTIAL: Final = ".partial"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A file of the inbox: what was read from it, whether the record had it before, or why nothing was read."""

    name: str
    file: StatementFile | None
    is_new: bool
    problems: tuple[Problem, ...]


class StatementInbox(dg.ConfigurableResource[None]):
    """Files in `folder`, whatever their format; each counts once, by its content.

    The token of the Flex Web Service and the number of its query are read from the settings when a run asks for them.
    """

    folder: str

    def take_in(self, engine: Engine) -> list[TakenIn]:
        """Fetch today's statement where that is set up, then record every file that can be read."""
        problems = self._fetch()
        taken = [self._take(engine, path) for path in self._paths()]
        failed = [TakenIn("Flex Web Service", None, is_new=False, problems=(problem,)) for problem in problems]
        return [*failed, *taken]

    def _paths(self) -> Sequence[Path]:
        folder = Path(self.folder)
        if not folder.is_dir():
            return []
        return sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path, folder))

    def _take(self, engine: Engine, path: Path) -> TakenIn:
        try:
            content = path.read_bytes()
            file = read_statement([content], name=path.name)
            recorded = record_statement_file(engine, file, content)
        except OSError as error:
            problem = Problem(path.name, "a file that can be read", error.strerror or str(error))
            return TakenIn(path.name, None, is_new=False, problems=(problem,))
        except InputError as error:
            return TakenIn(path.name, None, is_new=False, problems=error.problems)
        return TakenIn(path.name, file, recorded.is_new, file.all_problems)

    def _fetch(self) -> list[Problem]:
        """A file for today from the Flex Web Service, where it is set up; a Problem where it could not be had."""
        settings = load_settings()
        if settings.flex_token is None or settings.flex_query_id is None:
            return []
        target = Path(self.folder, f"flex-{settings.flex_query_id}-{WallClock().now():%Y%m%d}.xml")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}{_PARTIAL}")
        service = FlexWebService(SecretStr(settings.flex_token.get_secret_value()))
        try:
            with partial.open("w+b") as file:
                service.fetch(settings.flex_query_id, file)
        except (BrokerUnavailableError, ConfigurationError) as error:
            partial.unlink(missing_ok=True)
            return [Problem("Flex Web Service", "a statement", str(error))]
        partial.replace(target)
        return []


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
