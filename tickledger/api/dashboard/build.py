"""The Dash application on a FastAPI server: everything it needs is served from here, nothing from elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from dash import Dash
from fastapi import FastAPI

from tickledger.api.dashboard.shell import Sources, layout, register

_INDEX: Final = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/assets/favicon.svg">
<script src="/assets/theme.js"></script>
{%css%}</head>
<body>
<noscript><p class="message bad">The dashboard needs JavaScript, all of it from this machine.</p></noscript>
{%app_entry%}
<footer class="scripts">{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""


def add_dashboard(server: FastAPI, sources: Sources) -> tuple[str, ...]:
    """Put the dashboard on `server`; returns the hashes of the scripts that stand in its page, for the policy."""
    app = Dash(
        "tickledger.api.dashboard",
        server=cast("Callable[[], Any]", server),  # its annotations know of Flask alone
        assets_folder=str(Path(__file__).with_name("assets")),
        assets_ignore=r"theme\.js|favicon\.svg",
        title="Tickledger",
        update_title="",
        index_string=_INDEX,
        serve_locally=True,
        suppress_callback_exceptions=True,  # pages come and go
        add_log_handler=False,
        enable_mcp=False,
        websocket_callbacks=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.backend.websocket_capability = False  # else every page tries to open one
    app.enable_dev_tools(debug=False, dev_tools_disable_version_check=True)
    app.layout = layout()
    register(app, sources)
    # The page at any path is the same document, which draws itself by the path: Dash adds that route when it starts.
    return tuple(f"'{one}'" if not one.startswith("'") else one for one in app.csp_hashes())
