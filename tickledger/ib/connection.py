"""The connection to TWS or IB Gateway: made, watched, and made again with a growing pause.

The library's `IB.connectAsync` is not used: it fails for good where the gateway leaves out one end marker, and tells
a client id that is in use as a bare timeout. Only the socket and the handshake are asked of it, in a new `IB` each
time. A socket that is half open tells nobody, so the gateway is asked for its time again and again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_fixed, wait_random_exponential

from tickledger.domain.broker import Connectivity, ConnectivityChange
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError
from tickledger.domain.ports import Clock
from tickledger.ib import library
from tickledger.ib.errors import CODES, ErrorClass, meaning_of
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.library import LibraryObject
from tickledger.ib.link import Effect, LinkState
from tickledger.ib.pacing import Pacer
from tickledger.ib.requests import Requests
from tickledger.ib.wire import Wire

_NO_REQUEST: Final = -1
_CLIENT_ID_IN_USE: Final = 326
Callback = Callable[[], None]


class Connection:
    """One connection after another. `start` makes the first, `stop` ends it all; in between it mends itself.

    Listeners: `on_change` hears every change; `on_up` and `on_down` that there is another connection or none (with
    the reason), before the change is told; `on_resubscribe` that market data have to be requested again;
    `on_slowed` that messages go slower from now on, with what the broker said of their number.
    """

    def __init__(self, settings: IBSettings, *, wire: Wire, pacer: Pacer, requests: Requests, clock: Clock) -> None:
        self.link = LinkState()
        self.next_valid_id = 0
        self.on_change: list[Callable[[ConnectivityChange], None]] = []
        self.on_up: list[Callback] = []
        self.on_down: list[Callable[[str], None]] = []
        self.on_slowed: list[Callable[[str], None]] = []
        self.on_resubscribe: list[Callback] = []
        self._settings = settings
        self._wire = wire
        self._pacer = pacer
        self._requests = requests
        self._clock = clock
        self._ib: LibraryObject = None
        self._accounts: tuple[str, ...] = ()
        self._handshake_errors: list[str] = []
        self._lost: asyncio.Future[str] | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._told: tuple[Connectivity, str] | None = None
        wire.listen("error", self._error)
        wire.listen("nextValidId", self._take_next_valid_id)
        wire.listen("managedAccounts", self._take_accounts)
        wire.on_failure(lambda what: self.tell(f"a message was lost: {what}", needs_snapshot=True))

    @property
    def connectivity(self) -> Connectivity:
        """How far the broker can be relied on now."""
        return Connectivity.DISCONNECTED if self._ib is None else self.link.connectivity

    @property
    def client(self) -> LibraryObject:
        """What messages are sent with; raises BrokerUnavailableError where there is no connection."""
        if self._ib is None or not self._ib.client.isConnected():
            raise BrokerUnavailableError(f"{self._place}: not connected")
        return self._ib.client

    @property
    def can_send_orders(self) -> bool:
        """Whether an order that is sent now reaches IB."""
        return self._ib is not None and self._ib.client.isConnected() and self.link.has_link

    @property
    def library_object(self) -> LibraryObject:
        """The library's `IB` of the connection, None without one."""
        return self._ib

    async def start(self) -> None:
        """Connect; raises BrokerUnavailableError or ConfigurationError where the first connection cannot be made."""
        await self._connect()
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Give the connection up and do not make another."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        if self._ib is not None:
            ib = self._ib
            self._give_up("stopped")
            # The last messages leave before the socket closes.
            ib.client.conn.disconnect()
            await asyncio.sleep(0)

    def drop(self, reason: str) -> None:
        """Give the connection up because of `reason`; the supervisor makes another."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)

    def tell(self, reason: str, *, needs_snapshot: bool = False) -> None:
        """Tell the listeners how things are; the same state for the same reason is told once."""
        if not needs_snapshot and self._told == (self.connectivity, reason):
            return
        self._told = (self.connectivity, reason)
        change = ConnectivityChange(self.connectivity, self._clock.now(), reason, needs_snapshot)
        for listener in self.on_change:
            listener(change)

    @property
    def _place(self) -> str:
        settings = self._settings
        return f"IB gateway at {settings.host}:{settings.port}, client id {settings.client_id}"

    async def _supervise(self) -> None:
        while True:
            reason = await self._watch()
            if self._ib is not None:
                _abort(self._ib)
            self._give_up(reason)
            await self._connect_again()

    async def _watch(self) -> str:
        """Wait until the connection is lost, and tell why."""
        lost = self._lost
        if lost is None:
            raise RuntimeError(f"{self._place}: nothing to watch")
        while not lost.done():
            # Not wait_for: it loses a cancellation that comes together with a result.
            await asyncio.wait({lost}, timeout=self._settings.liveness_interval)
            if lost.done():
                break
            try:
                await self._requests.current_time(within=self._settings.liveness_timeout)
            except BrokerUnavailableError as error:
                if not lost.done():
                    return f"the gateway does not answer: {error}"
        return lost.result()

    async def _connect_again(self) -> None:
        settings = self._settings

        def told(state: RetryCallState) -> None:
            self.tell(str(state.outcome.exception()) if state.outcome is not None else "")

        attempts = AsyncRetrying(
            wait=wait_fixed(settings.first_backoff)
            + wait_random_exponential(multiplier=settings.first_backoff, max=settings.longest_backoff),
            # An account that is not there today may be tomorrow: only `start` gives up on it.
            retry=retry_if_exception_type((BrokerUnavailableError, ConfigurationError)),
            before_sleep=told,
        )
        await attempts(self._connect)

    async def _connect(self) -> None:
        settings = self._settings
        ib = library.new_ib(time_zone=settings.time_zone)
        self._handshake_errors, self._accounts, self.link = [], (), LinkState()
        self._wire.attach(ib)
        refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def refuse(text: str) -> None:
            if not refused.done():
                refused.set_result(text or "the gateway closed the connection during the handshake")

        ib.client.apiError.connect(refuse, keep_ref=True)
        # Before the gateway has told its version, the library waits for it on a closed socket, too.
        ib.client.conn.disconnected.connect(refuse, keep_ref=True)
        # From the start: a connection may be lost as soon as it is there.
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        ib.client.apiEnd.connect(
            lambda: None if lost.done() else lost.set_result("the gateway closed the connection"), keep_ref=True
        )
        ib.wrapper.clientId = settings.client_id
        connecting = asyncio.ensure_future(
            ib.client.connectAsync(settings.host, settings.port, settings.client_id, settings.connect_timeout)
        )
        try:
            await asyncio.wait({connecting, refused}, return_when=asyncio.FIRST_COMPLETED)
            self._check(connecting, refused)
        except BaseException:
            # A cancellation too: half a connection that nobody holds would keep the client id in use.
            connecting.cancel()
            await asyncio.wait({connecting})
            if not connecting.cancelled():
                connecting.exception()
            self._wire.detach(ib)
            _abort(ib)
            raise
        self._take_over(ib, lost)

    def _check(self, connecting: "asyncio.Future[None]", refused: "asyncio.Future[str]") -> None:
        """Raise where the handshake failed, in words that say what to do."""
        if any(f"error {_CLIENT_ID_IN_USE}:" in told for told in self._handshake_errors):
            raise BrokerUnavailableError(
                f"{self._place}: {CODES[_CLIENT_ID_IN_USE].meaning}: end that one or choose another client id"
            )
        error = connecting.exception() if connecting.done() and not connecting.cancelled() else None
        if not connecting.done() or error is not None or refused.done():
            told = "; ".join(self._handshake_errors) or (refused.result() if refused.done() else repr(error))
            if isinstance(error, TimeoutError):
                told = f"no answer within {self._settings.connect_timeout:g} s: is its API enabled? {told}"
            raise BrokerUnavailableError(f"{self._place}: {told}")
        if self._settings.account_id not in self._accounts:
            raise ConfigurationError(
                f"{self._place}: expected the account {self._settings.account_id}, found {', '.join(self._accounts)}"
            )

    def _take_over(self, ib: LibraryObject, lost: "asyncio.Future[str]") -> None:
        self._ib, self._lost = ib, lost
        self._requests.use(ib.client)
        for listener in self.on_up:
            listener()
        self.tell("connected", needs_snapshot=True)

    def _give_up(self, reason: str) -> None:
        ib, self._ib = self._ib, None
        if ib is not None:
            self._wire.detach(ib)
        self._requests.abandon(reason)
        for listener in self.on_down:
            listener(reason)
        self.tell(reason)

    def _take_next_valid_id(self, order_id: int) -> None:
        self.next_valid_id = order_id

    def _take_accounts(self, accounts: str) -> None:
        self._accounts = tuple(account for account in accounts.split(",") if account)

    def _error(self, number: int, code: int, text: str, *_: object) -> None:
        if self._ib is None:
            if number == _NO_REQUEST and meaning_of(code).error_class is not ErrorClass.FARM_RESTORED:
                self._handshake_errors.append(f"error {code}: {text}")
            self.link.take(code, text)
            return
        if meaning_of(code).error_class is ErrorClass.PACING and self._pacer.slow_down():
            for heard in self.on_slowed:
                heard(f"error {code}: {text}")
        effects = self.link.take(code, text)
        if Effect.RECONNECT in effects:
            self.drop(f"error {code}: {text}")
        elif effects or self.connectivity is not (self._told or (None,))[0]:
            self.tell(f"error {code}: {text}", needs_snapshot=Effect.SNAPSHOT in effects)
        if Effect.RESUBSCRIBE in effects:
            for listener in self.on_resubscribe:
                listener()


def _abort(ib: LibraryObject) -> None:
    """Close the socket without waiting for what the other side does not read any more."""
    transport = ib.client.conn.transport
    if transport is not None:
        transport.abort()
