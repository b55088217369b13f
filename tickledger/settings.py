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
from tickledger.domain.alert import AlertSeverity
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
    redis_url: SecretStr | None = Field(
        None, description="Redis 6 or newer, e.g. redis://:password@host:6379/0, rediss:// for TLS; unset: embedded"
    )
    mlflow_tracking_uri: str | None = Field(None, description="MLflow server; unset: the same PostgreSQL")
    mode: Mode = Field(Mode.SIMULATED, description="simulated, paper or live")
    taxpayer: str = Field("taxpayer", description="whose forms are made")
    ib_host: str = Field("127.0.0.1", description="host of TWS or IB Gateway")
    ib_port: int = Field(4002, ge=1, le=65535, description="7497 paper TWS, 4002 gateway")
    ib_client_id: int = Field(1, ge=0, description="TWS API client id")
    ib_market_lines: int = Field(
        100, ge=2, description="market data lines of the account; a symbol that a session trades takes two"
    )
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
    smtp_url: SecretStr | None = Field(
        None, description="mail server for alerts, e.g. smtp+starttls://user:password@smtp.example.com:587"
    )
    alert_email_from: str | None = Field(None, description="sender of alerts, e.g. Tickledger <me@example.com>")
    alert_email_to: str | None = Field(None, description="who gets alerts by email; several with commas between")
    alert_webhook_url: SecretStr | None = Field(None, description="where alerts are posted: Slack, Discord, any other")
    alert_webhook_format: Literal["auto", "slack", "discord", "json"] = Field(
        "auto", description="auto (by the address), slack, discord or json"
    )
    telegram_bot_token: SecretStr | None = Field(None, description="token of the Telegram bot that sends alerts")
    telegram_chat_id: str | None = Field(None, description="chat that the bot sends to: a number, or @channel")
    telegram_api_url: str = Field("https://api.telegram.org", description="the Bot API, or a local server of it")
    alert_minimum_severity: AlertSeverity = Field(
        AlertSeverity.INFO, description="least urgent alert that is sent: info, warning, error or critical"
    )
    strategy: Literal["mean_reversion", "momentum", "composite"] = Field(
        "mean_reversion",
        description="what a session trades: mean_reversion or momentum on its own bars, or the models' composite "
        "signals of the evening before, at the open",
    )
    symbols: str = Field("", description="what a session trades, by commas; unset: every symbol of the record")
    bar_interval: Literal["1sec", "1min", "5min"] = Field(
        "1min", description="the bars that a session decides by; 1sec: driven by ticks, from prints"
    )
    target_weight: Decimal = Field(Decimal("0.1"), gt=0, le=1, description="size of a position, as a part of equity")
    stop_loss: Decimal = Field(
        Decimal("0.02"),
        ge=0,
        lt=1,
        description="part of its cost that a position may lose before its stop sells it; 0: none",
    )
    flatten_minutes: int = Field(
        10, ge=0, le=390, description="minutes before the close at which all positions are closed; 0 holds overnight"
    )
    execution_algo: Literal["none", "twap", "vwap", "adaptive"] = Field("none", description="how orders are worked")
    execution_minutes: PositiveInt = Field(5, le=390, description="minutes in which an order is worked")
    quote_age_seconds: PositiveInt = Field(60, description="oldest quote on which a position is opened, seconds")
    max_single_name_exposure: Decimal = Field(
        Decimal("0.3"), gt=0, description="most notional of one symbol, as a part of equity"
    )
    max_order_quantity: PositiveInt = Field(1000, description="most shares of one order")
    max_order_notional: Decimal = Field(Decimal(250_000), gt=0, description="most USD of one order")
    max_price_deviation: Decimal = Field(
        Decimal(5), gt=0, description="most USD per share that a limit price may be worse than the market"
    )
    max_price_deviation_bps: Decimal = Field(Decimal(200), gt=0, description="the same in basis points of the price")
    max_volume_participation: Decimal = Field(
        Decimal("0.01"), gt=0, le=1, description="most shares of one order, as a part of the average daily volume"
    )
    max_orders_per_second: PositiveInt = Field(20, description="most orders in a second")
    max_orders_per_minute: PositiveInt = Field(200, description="most orders in a minute")
    max_orders_per_day: PositiveInt = Field(5000, description="most orders in a session")
    wash_sale_policy: Literal["allow", "warn", "block"] = Field(
        "warn", description="what becomes of an order that would disallow a loss"
    )
    margin_rule: Literal["cash", "reg_t", "intraday_margin", "pattern_day_trader"] = Field(
        "cash", description="how much the account may buy"
    )
    gateway_control: str | None = Field(
        None, description="host:port of a simulated gateway's control socket, whose clock is followed; unset: the wall"
    )
    flex_token: SecretStr | None = Field(None, description="token of IB's Flex Web Service, which gives statements")
    flex_query_id: str | None = Field(None, description="number of the Flex query whose statement is fetched")
    dashboard_token: SecretStr | None = Field(
        None, description="what opens the dashboard, 16 characters or more; unset: a new one whenever it starts"
    )
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
