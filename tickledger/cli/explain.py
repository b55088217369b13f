"""``tickledger explain ID``: why a gain is what it is, and where any row came from, as a tree or as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickledger.cli.console import out
from tickledger.cli.explain_changes import changes_as_json, print_changes
from tickledger.cli.known_at import known_at
from tickledger.cli.ledger import opened_ledger

if TYPE_CHECKING:
    from rich.tree import Tree

    from tickledger.db.lineage import LineageNode


def run(
    identity: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Id of a form line, gain, wash sale, lot, execution, order, signal, model, feature row, bar, break, "
            "statement …",
        ),
    ],
    *,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="D",
            help="Tell instead why it is other than at the end of the day D (New York), or at an instant with its "
            "offset: what differs, and the rows recorded since that made it differ.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Explain a gain, or the gains of a form line, in words; walk from any row back to the bars and their ingestion.

    A break shows its statement with the file's hash, the rows on both sides, its steps and what was recorded because of
    it; a statement shows what was read from its file, and its breaks.
    """
    from tickledger.db.lineage import explain
    from tickledger.db.lineage_explanations import gain_explanations

    if since is not None:
        _explain_changes(identity, known_at(since), json=json)
        return
    with opened_ledger() as engine:
        node = explain(engine, identity)
        paragraphs = gain_explanations(engine, node.id)
    if json:
        told = {"explanation": "\n\n".join(paragraphs.values())} if paragraphs else {}
        out.print_json(data=as_json(node) | told, ensure_ascii=False)
        return
    _print_paragraphs(paragraphs)
    out.print(as_tree(node))


def _explain_changes(identity: str, since: datetime, *, json: bool) -> None:
    from tickledger.db.lineage_changes import changes_since

    with opened_ledger() as engine:
        change = changes_since(engine, identity, since)
    if json:
        out.print_json(data=changes_as_json(change), ensure_ascii=False)
    else:
        print_changes(change)


def _print_paragraphs(paragraphs: Mapping[str, str]) -> None:
    """Each under the id of its gain; where nobody reads them on a terminal, a paragraph is a line."""
    from rich.markup import escape

    for gain_id, paragraph in paragraphs.items():
        out.print(f"[bold]{gain_id}[/]\n{escape(paragraph)}\n", soft_wrap=not out.is_terminal)


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
