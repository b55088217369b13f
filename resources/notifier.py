"""Alerts to a person as a resource: the notifier that the settings describe, alive as long as a run or a tick."""

import dagster as dg
from pydantic import PrivateAttr

from tickledger.domain.alert import Alert
from tickledger.notifications.configuration import build_notifier
from tickledger.notifications.notifier import ChannelHealth, Notifier
from tickledger.settings import load_settings


class AlertNotifier(dg.ConfigurableResource[None]):
    """Takes alerts and sends them while the run goes on; never holds a run up and never fails one.

    The channels are read from the environment when a run starts, so that no token is part of a definition. What still
    waits when the run ends is given `drain_seconds`.
    """

    drain_seconds: float = 15.0

    _notifier: Notifier | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - the signature is Dagster's
        self._notifier = build_notifier(load_settings())

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        if self._notifier is None:
            return
        unsent = self._notifier.close(self.drain_seconds)
        if unsent and context.log is not None:
            context.log.warning("%d alerts were not sent before the run ended", unsent)
        self._notifier = None

    def notify(self, alert: Alert) -> None:
        """Hand `alert` over to be sent."""
        if self._notifier is not None:
            self._notifier.notify(alert)

    def health(self) -> tuple[ChannelHealth, ...]:
        """How each channel does."""
        return self._notifier.health() if self._notifier is not None else ()
