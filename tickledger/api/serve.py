"""Serving the application on the loopback interface, until a signal ends it. Requests are not logged."""

from datetime import timedelta
from typing import Final

import uvicorn

from tickledger.api.access import Access
from tickledger.api.app import create_app
from tickledger.api.dashboard.shell import Sources
from tickledger.api.live import LiveView
from tickledger.cache.connect import open_cache
from tickledger.db.connect import open_ledger
from tickledger.db.engine import create_ledger_engine
from tickledger.execution.clock import WallClock
from tickledger.settings import Settings

LOOPBACK: Final = "127.0.0.1"
#: A page waits no longer than this for the ledger.
_PATIENCE: Final = timedelta(seconds=5)


def serve(settings: Settings, access: Access) -> None:
    """Serve the ledger and the cache of `settings`; raises ConfigurationError where the ledger cannot be opened."""
    with open_ledger(settings) as connections, open_cache(settings) as cache:
        engine = create_ledger_engine(connections.ledger_url, within=_PATIENCE)
        try:
            sources = Sources(engine, LiveView(cache.make_source), WallClock(), access.form_key)
            uvicorn.run(
                create_app(sources, access),
                host=LOOPBACK,
                port=access.port,
                log_level="warning",
                access_log=False,  # the address of the first request holds the token
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=2,
            )
        finally:
            engine.dispose()
