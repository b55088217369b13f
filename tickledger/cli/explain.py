"""``tickledger explain ID``: where a row came from, as a tree or as JSON."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickledger.cli.console import out
from tickledger.cli.ledger import opened_ledger

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
    from tickledger.db.lineage import explain

    with opened_ledger() as engine:
        node = explain(engine, identity)
    if json:
        out.print_json(data=as_json(node), ensure_ascii=False)
    else:
        out.print(as_tree(node))


def as_tree(node: "LineageNode") -> "Tree":
    """The lineage as a tree to print: each row with its facts, then the rows it came from; each row unfolded once."""
    from rich.tree import Tree

    tree = Tree("", hide_root=True)
    _grow(tree, node, shown=set())
    return tree


def _grow(tree: "Tree", node: "LineageNode", *, shown: set[str]) -> None:
    from rich.markup import escape

    is_known = node.is_cut or node.id in shown
    shown.add(node.id)
    marks = ("[red] superseded[/]" if node.is_superseded else "") + ("[dim] (see above)[/]" if is_known else "")
    label = f"[bold]{node.kind}[/] {escape(node.summary)}{marks} [dim]{escape(node.id)}[/]"
    facts = "" if is_known else ", ".join(f"{name} {fact}" for name, fact in node.facts.items())
    branch = tree.add(f"{label}\n[dim]{escape(facts)}[/]" if facts else label)
    for parent in () if is_known else node.parents:
        _grow(branch, parent, shown=shown)


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
