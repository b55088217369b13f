"""``tickledger demo``: the whole lineage on the bundled sample, and what came of it."""

from typing import Annotated

import typer


def run(
    *, json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON document on stdout.")] = False
) -> None:
    """Run real market data to a Form 8949 through Dagster, on the bundled sample.

    12,154 daily bars of AAPL, IBM, MSFT, GOOG and FB become features, registered models, signals, orders, fills,
    tax lots and the forms of 2012, all in the embedded database. `tickledger up` then shows the graph.
    """
    from tickledger.cli.checkout import require_checkout
    from tickledger.settings import load_settings

    require_checkout("demo")
    settings = load_settings()
    from pipelines.demo import TAX_YEAR, demonstration
    from tickledger.cli.demo_summary import print_summary, summarize
    from tickledger.cli.progress import steps_on_stderr

    with steps_on_stderr() as report, demonstration(settings, report=report) as connections:
        summary = summarize(connections, home=settings.home, tax_year=TAX_YEAR)
    print_summary(summary, as_json=json)
