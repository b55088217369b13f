"""``tickledger explain ID``: where a row came from, as a tree or as JSON."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickledger.cli.console import out

if TYPE_CHECKING:
    from rich.tree import Tree

    from tickledger.db.lineage import LineageNode


def run(
    identity: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Id of a form line, gain, wash sale, lot, execution, order, signal, model, feature row, bar …",
        ),
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Walk from a row back to the bars and the ingestion that brought them."""
    from tickledger.db.connect import open_ledger
    from tickledger.db.engine import create_ledger_engine
    from tickledger.db.lineage import explain
    from tickledger.settings import load_settings

    with open_ledger(load_settings()) as connections:
        engine = create_ledger_engine(connections.ledger_url)
        node = explain(engine, identity)
        engine.dispose()
    if json:
        out.print_json(data=as_json(node), ensure_ascii=False)
    else:
        out.print(as_tree(node))


def as_tree(node: "LineageNode", *, below: "Tree | None" = None) -> "Tree":
    """The lineage as a tree to print: each row with its facts, then the rows it came from."""
    from rich.markup import escape
    from rich.tree import Tree

    marks = "".join(f" [{style}]{mark}[/]" for mark, style in _marks(node))
    label = f"[bold]{node.kind}[/] {escape(node.summary)}{marks} [dim]{escape(node.id)}[/]"
    branch = Tree(label) if below is None else below.add(label)
    if node.facts and not node.is_cut:
        branch.add(f"[dim]{escape(', '.join(f'{name} {fact}' for name, fact in node.facts.items()))}[/]")
    for parent in node.parents:
        as_tree(parent, below=branch)
    return branch


def as_json(node: "LineageNode") -> dict[str, Any]:
    """The lineage as JSON-ready data, with the same names as the node's fields."""
    return {
        "id": node.id,
        "kind": node.kind,
        "summary": node.summary,
        "is_superseded": node.is_superseded,
        "is_cut": node.is_cut,
        "facts": dict(node.facts),
        "parents": [as_json(parent) for parent in node.parents],
    }


def _marks(node: "LineageNode") -> list[tuple[str, str]]:
    marks = [("superseded", "red")] if node.is_superseded else []
    return [*marks, ("(see above)", "dim")] if node.is_cut else marks
