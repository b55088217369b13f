"""What ``tickledger up`` starts, in which order, and how it waits for the end.

The Dagster code server comes first, because the web server and the daemon ask it for the definitions; MLflow, the
slowest, starts beside it. A simulated market opens last, when there is somebody to trade in it; when it has come to
its end, everything but the database begins anew. A part that dies is started again. They stop in reverse, the database
last. `up` itself has a single thread and imports neither Dagster nor MLflow.
"""

import http
import http.client
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

from rich.text import Text
from sqlalchemy import make_url

from tickledger.api.access import Access, token_of
from tickledger.cache.connect import Cache, open_cache
from tickledger.cli.columns import aligned
from tickledger.cli.console import err, out
from tickledger.cli.keeping import Kept
from tickledger.cli.live_consent import print_terms, require_consent
from tickledger.cli.ports import LOOPBACK, accepts, free_port, port_problem
from tickledger.cli.processes import Running, Service, await_answers, running
from tickledger.cli.simulated_market import FIRST_SESSION, SimulatedMarket, names_a_broker
from tickledger.db.connect import Connections, open_ledger
from tickledger.db.engine import create_ledger_engine
from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError, TickledgerError
from tickledger.local_servers.places import LONGEST_SOCKET_PATH
from tickledger.settings import Settings

_READY_SECONDS: Final = 180
_ASK_SECONDS: Final = 2
_WATCH_SECONDS: Final = 0.5
_END_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOCATION: Final = "tickledger"


class _StopRequested(BaseException):
    """A signal asked for the end."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the pages are served; each field is an option of the command."""

    dagster: int
    mlflow: int
    dashboard: int

    def check(self) -> None:
        """Raise ConfigurationError naming the first port that is taken and the option that changes it."""
        taken: dict[int, str] = {}
        for field in fields(self):
            port = getattr(self, field.name)
            if (other := taken.setdefault(port, field.name)) != field.name:
                raise ConfigurationError(
                    f"--{other}-port and --{field.name}-port: expected two ports, found {port} twice"
                )
            if problem := port_problem(port):
                raise ConfigurationError(
                    f"port {port}: expected a free port for {field.name}, found: {problem}. "
                    f"Stop what uses it, or choose another: tickledger up --{field.name}-port {free_port()}"
                )


@dataclass(frozen=True, slots=True)
class _Home:
    """What stays while markets come and go."""

    settings: Settings
    connections: Connections
    cache: Cache
    ports: Ports
    access: Access


def supervise(settings: Settings, ports: Ports, *, market_speed: float | None) -> None:
    """Run everything until a signal asks for the end; raises TickledgerError where a part ends again and again.

    `market_speed` is that of the simulated market, None for none; where the settings name a broker, there is none
    either. A live account is traded only once its number has been typed.
    """
    ports.check()
    with _stopped_by_signals(), open_ledger(settings) as connections, open_cache(settings) as cache:
        if cache.problem:
            err.print(f"without Redis for other processes: {cache.problem}", markup=False)
        _require_consent(settings, connections)
        home = _Home(settings, connections, cache, ports, Access(token_of(settings), ports.dashboard))
        while True:
            market = None if market_speed is None else _market(settings, connections, market_speed)
            _run(home, market)
            err.print("The simulated market has come to the end of the sample: it begins anew, with a new account.")


def _require_consent(settings: Settings, connections: Connections) -> None:
    if settings.mode is Mode.LIVE:
        from resources.trading_desk import TradingDesk

        terms = TradingDesk(settings, connections.ledger_url).terms()
        print_terms(terms)
        require_consent(terms)


def _market(settings: Settings, connections: Connections, speed: float) -> SimulatedMarket | None:
    if names_a_broker(settings):
        return None
    engine = create_ledger_engine(connections.ledger_url)
    try:
        return SimulatedMarket.new(engine, speed)
    finally:
        engine.dispose()


def _run(home: _Home, market: SimulatedMarket | None) -> None:
    """Run everything until the market is over."""
    # Whatever trades ends before its market does.
    with ExitStack() as markets, ExitStack() as stack:
        err.print("starting Dagster, MLflow and the dashboard; the first time this takes half a minute")
        kept = Kept(stack)
        started = _start(home, market, kept)
        gateway = None if market is None else markets.enter_context(running(_Parts(home, market).gateway(market)))
        await_answers([*started, *([] if gateway is None else [gateway])], seconds=_READY_SECONDS)
        out.print(_addresses(home, market))
        _say_how(home, market)
        while gateway is None or not gateway.has_ended_well():
            kept.check()
            if gateway is not None and gateway.has_ended():
                gateway.check()
            time.sleep(_WATCH_SECONDS)


def _start(home: _Home, market: SimulatedMarket | None, kept: Kept) -> Sequence[Running]:
    """Start every part but the market."""
    settings, ports = home.settings, home.ports
    parts = _Parts(home, market)
    code_port = free_port()
    workspace = _write_workspace(settings.home / "dagster" / "workspace.yaml", code_port)
    mlflow = [] if settings.mlflow_tracking_uri else [parts.mlflow(ports.mlflow)]
    first = [kept.start(part) for part in (parts.code_server(code_port), *mlflow)]
    await_answers(first[:1], seconds=_READY_SECONDS)
    second = (parts.dashboard(), parts.webserver(ports.dagster, workspace), parts.daemon(workspace))
    return [*first, *map(kept.start, second)]


def _say_how(home: _Home, market: SimulatedMarket | None) -> None:
    """How to watch and to stop what trades, or how to begin."""
    sensor = f"http://{LOOPBACK}:{home.ports.dagster}/locations/{_LOCATION}/sensors/trading_session"
    if market is not None:
        session = f"http://{LOOPBACK}:{home.ports.dagster}/assets/live/session"
        err.print(f"SIMULATED: no order leaves this machine, no money is real. Account {market.account} trades now.")
        err.print(f"Watch: {session} (the session), {sensor} (what starts it)", markup=False)
        err.print("Pause: launch the job pause_trading. Stop at once: tickledger kill; go on: tickledger resume")
    elif home.settings.mode is not Mode.SIMULATED:
        err.print(f"Trading in {home.settings.mode} mode begins when the sensor is switched on: {sensor}", markup=False)
        err.print("Stop at once: tickledger kill; go on: tickledger resume")
    err.print("Ctrl-C stops everything")


def _write_workspace(path: Path, code_port: int) -> Path:
    location = f"host: {LOOPBACK}\n      port: {code_port}\n      location_name: {_LOCATION}"
    path.write_text(f"load_from:\n  - grpc_server:\n      {location}\n", "utf-8")
    return path


class _Parts:
    """The services, with the environment they need."""

    def __init__(self, home: _Home, market: SimulatedMarket | None) -> None:
        from pipelines.instance import CHECKOUT, dagster_environment

        settings, connections = home.settings, home.connections
        self._settings = settings
        self._access = home.access
        self._checkout = CHECKOUT
        self._dagster = {
            **dagster_environment(settings, connections),
            **_temporary_folder(settings.home),
            **({} if market is None else market.environment),
        }
        self._mlflow = {
            "MLFLOW_BACKEND_STORE_URI": connections.mlflow_url,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            # Its job runners take a gigabyte and run nothing of ours.
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }

    def code_server(self, port: int) -> Service:
        # Not `code-server start`, which goes on without the definitions when the process that holds them has died.
        options = ("--location-name", _LOCATION, "--working-directory", self._checkout)
        entry = "--use-python-environment-entry-point"
        command = ("dagster", "api", "grpc", *_at(port), entry, "--module-name", "pipelines.definitions", *options)
        return self._service("Dagster code server", command, self._dagster, partial(accepts, port))

    def webserver(self, port: int, workspace: Path) -> Service:
        command = ("dagster_webserver", *_at(port), "--workspace", workspace)
        return self._service("Dagster webserver", command, self._dagster, partial(_shows_definitions, port))

    def daemon(self, workspace: Path) -> Service:
        command = ("dagster._daemon", "run", "--workspace", workspace)
        return self._service("Dagster daemon", command, self._dagster, lambda: True)  # it has no page to ask for

    def mlflow(self, port: int) -> Service:
        artifacts = self._settings.home / "mlflow" / "artifacts"
        command = ("mlflow", "server", *_at(port), "--workers", 1, "--default-artifact-root", artifacts)
        return self._service("MLflow", command, self._mlflow, partial(_is_healthy, port))

    def dashboard(self) -> Service:
        # The token goes by the environment: a command line can be read by every user of the machine.
        environment = {"TICKLEDGER_HOME": str(self._settings.home), "TICKLEDGER_DASHBOARD_TOKEN": self._access.token}
        port = self._access.port
        return self._service("Dashboard", ("tickledger.api", "--port", port), environment, partial(_is_healthy, port))

    def gateway(self, market: SimulatedMarket) -> Service:
        return self._service("Simulated market", market.command, {}, partial(accepts, market.control_port))

    def _service(
        self,
        name: str,
        command: Sequence[str | int | Path],
        environment: Mapping[str, str],
        answers: Callable[[], bool],
    ) -> Service:
        log = self._settings.home / "logs" / f"{name.lower().replace(' ', '-')}.log"
        return Service(name, [sys.executable, "-P", "-m", *map(str, command)], environment, log, answers)


def _temporary_folder(home: Path) -> Mapping[str, str]:
    """The home's own, where its path leaves room for the socket that Dagster's code server makes in it."""
    folder = home / "tmp"
    if len(bytes(folder / "tmp12345678")) > LONGEST_SOCKET_PATH:
        return {}
    folder.mkdir(mode=0o700, exist_ok=True)
    return {"TMPDIR": str(folder)}


def _at(port: int) -> tuple[str | int, ...]:
    return ("--host", LOOPBACK, "--port", port)


def _is_healthy(port: int) -> bool:
    return _ask(port, "GET", "/health") is not None


_DEFINITIONS_QUERY: Final = """{ workspaceOrError { ... on Workspace { locationEntries {
    locationOrLoadError { __typename ... on PythonError { message } } } } } }"""


def _shows_definitions(port: int) -> bool:
    """Whether the web server has the definitions; raises TickledgerError where they cannot be loaded."""
    answer = _ask(port, "POST", "/graphql", json.dumps({"query": _DEFINITIONS_QUERY}))
    if answer is None:
        return False
    entries = json.loads(answer)["data"]["workspaceOrError"].get("locationEntries", [])
    loaded = [entry["locationOrLoadError"] for entry in entries if entry["locationOrLoadError"]]
    for one in loaded:
        if one["__typename"] == "PythonError":
            raise TickledgerError(f"Dagster cannot load the definitions: {one['message'].strip()}")
    return bool(loaded)


def _ask(port: int, method: str, path: str, body: str | None = None) -> bytes | None:
    """The body of a good answer, or None. No proxy of the environment stands between us and our own machine."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ASK_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.read() if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _addresses(home: _Home, market: SimulatedMarket | None) -> Text:
    settings, ports = home.settings, home.ports
    ledger = make_url(home.connections.ledger_url).set(drivername="postgresql")
    readable = ledger.render_as_string(hide_password=True).replace("%2F", "/")
    mlflow = settings.mlflow_tracking_uri or f"http://{LOOPBACK}:{ports.mlflow}"
    return aligned(
        [
            ("part", "address", "shows"),
            (
                "dashboard",
                home.access.login_address,
                "the account: value, orders, risk and kill switch, taxes, lineage",
            ),
            ("Dagster", f"http://{LOOPBACK}:{ports.dagster}", "the lineage graph, runs, checks, schedules"),
            ("MLflow", mlflow, "models and what they were trained on"),
            ("PostgreSQL", readable, "the ledger, for psql"),
            ("Redis", home.cache.shown, "what sessions know now, for other processes"),
            *([] if market is None else [_market_row(market)]),
            ("logs", str(settings.home / "logs"), "what each part says"),
        ]
    )


def _market_row(market: SimulatedMarket) -> tuple[str, str, str]:
    shows = (
        f"SIMULATED market since {FIRST_SESSION}, {market.speed:g} times as fast as the wall, account {market.account}"
    )
    return ("market", f"{LOOPBACK}:{market.port}", shows)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """End the context quietly on SIGINT, SIGTERM and SIGHUP; later ones do not disturb the stopping.

    SIGINT is set because a command that a script starts in the background inherits it as ignored.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise _StopRequested

    # Under nohup the end of the terminal is meant to be ignored.
    ends = [one for one in _END_SIGNALS if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in ends}
    try:
        yield
    except _StopRequested:
        err.print("stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
