"""The application: the way in, the dashboard, and what a person may ask of trading, behind one gate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from tickledger.api.access import Access
from tickledger.api.break_steps import break_routes
from tickledger.api.control import control_routes
from tickledger.api.dashboard.build import add_dashboard
from tickledger.api.dashboard.shell import Sources
from tickledger.api.gate import Gate
from tickledger.api.login import login_routes


def create_app(sources: Sources, access: Access) -> ASGIApp:
    """The application over `sources`, open to whoever `access` lets in."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await sources.live.close()

    # No pages about the interface: they load their scripts from elsewhere.
    server = FastAPI(title="Tickledger", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @server.get("/health", include_in_schema=False)
    async def health() -> PlainTextResponse:
        return PlainTextResponse("OK")

    server.include_router(login_routes(access))
    server.include_router(control_routes(sources.engine, access, sources.clock))
    server.include_router(break_routes(sources.engine, access, sources.clock))
    hashes = add_dashboard(server, sources)
    return Gate(server, access=access, script_hashes=hashes)
