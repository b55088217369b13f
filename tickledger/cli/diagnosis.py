"""What ``tickledger doctor`` looks at: a table of checks, each a function of the settings that gives findings."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from pydantic import SecretStr
from rich.text import Text
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tickledger.cli.checks_of_alerts import check_alerts
from tickledger.cli.checks_of_cache import check_cache
from tickledger.cli.checks_of_database import check_database
from tickledger.cli.checks_of_machine import check_home, check_libraries, check_packages, check_ports, check_python
from tickledger.cli.columns import aligned
from tickledger.cli.console import err, out
from tickledger.cli.finding import Finding, State
from tickledger.settings import PREFIX, Origin, Settings, origins

CHECKS: Final[Sequence[Callable[[Settings], Iterator[Finding]]]] = (
    check_python,
    check_packages,
    check_libraries,
    check_home,
    check_database,
    check_cache,
    check_ports,
    check_alerts,
)
_HIDDEN: Final = "***"
_WEB: Final = frozenset({"http", "https"})
_STYLES: Final[Mapping[State, str]] = {"ok": "green", "warning": "yellow", "broken": "red"}


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting as it may be printed."""

    name: str
    value: str | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found."""

    settings: tuple[ShownSetting, ...]
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing that is needed is broken."""
        return all(finding.state != "broken" for finding in self.findings)


def diagnose(settings: Settings) -> Diagnosis:
    """Look at everything; changes nothing."""
    return Diagnosis(tuple(shown_settings(settings)), tuple(finding for check in CHECKS for finding in check(settings)))


def print_diagnosis(diagnosis: Diagnosis, *, as_json: bool) -> None:
    """Print for a person, or one JSON document."""
    if as_json:
        out.print_json(json.dumps({"ok": diagnosis.is_well, **asdict(diagnosis)}))
        return
    out.print(_settings_text(diagnosis.settings))
    out.print()
    out.print(_findings_text(diagnosis.findings))
    for finding in diagnosis.findings:
        if finding.advice:
            err.print(f"{finding.subject}: {finding.advice}", markup=False)


def shown_settings(settings: Settings) -> Iterator[ShownSetting]:
    """Every setting as it may be printed, with where its value came from."""
    for field, origin in origins(settings).items():
        yield ShownSetting(f"{PREFIX}{field.upper()}", _without_secrets(getattr(settings, field)), origin)


def _without_secrets(value: object) -> str | None:
    """`value` as text; of an address everything but its password, of any other secret nothing."""
    if value is None:
        return None
    secret = isinstance(value, SecretStr)
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if "://" not in text:
        return _HIDDEN if secret else text
    try:
        address = make_url(text)
    except (ArgumentError, ValueError):  # an address that cannot be read may hold its password anywhere
        return _HIDDEN
    if secret and address.drivername in _WEB:  # of a webhook the path is the password
        return f"{address.drivername}://{address.host}/{_HIDDEN}"
    named = [option for option in address.query if "password" in option]
    shown = address.update_query_dict(dict.fromkeys(named, _HIDDEN)).render_as_string(hide_password=True)
    # A password with @ in it reads as the beginning of the host.
    return _HIDDEN if "@" in (address.host or "") else shown


def _settings_text(settings: Sequence[ShownSetting]) -> Text:
    unset = Text("not set", style="dim")
    rows = [(setting.name, setting.value or unset.copy(), setting.origin) for setting in settings]
    return aligned([("setting", "value", "from"), *rows])


def _findings_text(findings: Sequence[Finding]) -> Text:
    rows = [(finding.subject, Text(finding.state, _STYLES[finding.state]), finding.found) for finding in findings]
    return aligned([("check", "state", "found"), *rows])
