"""Settings: read once from the environment and `.env` (prefix ``TICKLEDGER_``), passed on as a value.

No other module reads the environment. A variable that is set but cannot be used stops the command with the
variable's name, what was expected and what was found.
"""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError

PREFIX: Final = "TICKLEDGER_"
_LONGEST_HOME: Final = 120


def default_home() -> Path:
    """Where everything is kept unless told otherwise: /var/lib/tickledger for root, else the user's data folder."""
    return Path("/var/lib/tickledger") if os.geteuid() == 0 else Path.home() / ".local/share/tickledger"


class Settings(BaseSettings):
    """What a user may change; the field's name in capitals, after the prefix, is the variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default_factory=default_home, description="folder that holds everything Tickledger writes")
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL 15 or newer, e.g. postgresql://user:password@host:5432/tickledger; unset: embedded",
    )
    mlflow_tracking_uri: str | None = Field(None, description="MLflow server; unset: the same PostgreSQL")
    mode: Mode = Field(Mode.SIMULATED, description="simulated, paper or live")
    taxpayer: str = Field("taxpayer", description="whose forms are made")
    ib_host: str = Field("127.0.0.1", description="host of TWS or IB Gateway")
    ib_port: int = Field(4002, ge=1, le=65535, description="7497 paper TWS, 4002 gateway")
    ib_client_id: int = Field(1, ge=0, description="TWS API client id")
    ib_account: str | None = Field(None, description="broker account; unset: the simulated one")
    max_position_size: PositiveInt = Field(1000, description="most shares held of one symbol")
    max_portfolio_exposure: Decimal = Field(
        Decimal("1.0"), gt=0, description="most gross notional, as a part of equity"
    )
    max_sector_exposure: Decimal = Field(
        Decimal("0.6"), gt=0, description="most notional in one sector, part of equity"
    )
    max_single_loss: Decimal = Field(Decimal(5000), gt=0, description="most USD lost on one position")
    max_daily_loss: Decimal = Field(Decimal(5000), gt=0, description="most USD of equity lost in a day")
    environment: Literal["development", "production"] = Field("development", description="development or production")
    debug: bool = Field(False, description="show the traceback of a failure")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        home = value.expanduser().absolute()
        if len(str(home)) > _LONGEST_HOME or set("?%#") & set(str(home)):
            # MLflow keeps addresses of artifacts below the home as URLs of at most 200 characters.
            raise ValueError(f"expected a path of at most {_LONGEST_HOME} characters without ?, % and #")
        return home


Origin = Literal["environment", ".env", "default"]


def origins(settings: Settings) -> Mapping[str, Origin]:
    """Where the value of each field came from, by the field's name."""
    variables = {name.upper() for name in os.environ}

    def origin(field: str) -> Origin:
        if field not in settings.model_fields_set:
            return "default"
        return "environment" if f"{PREFIX}{field.upper()}" in variables else ".env"

    return {field: origin(field) for field in Settings.model_fields}


def environment_with(additions: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process and `additions`, for a child."""
    return {**os.environ, **additions}


def load_settings() -> Settings:
    """The settings of this process; raises ConfigurationError naming each variable that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        lines = (
            f"{PREFIX}{str(problem['loc'][0]).upper()}: {problem['msg']}, found {problem['input']!r}"
            for problem in error.errors()
        )
        raise ConfigurationError("\n".join(lines)) from error
