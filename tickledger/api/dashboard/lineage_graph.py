"""A lineage as a graph in layers: the row that is asked about on top, what it came from below it.

A row stands as far down as the longest way to it, so that every edge leads down; rows of a layer are in the order of
those that lead to them, which keeps edges from crossing where they need not. A loss that a wash sale carried in has a
history as long as this one: it stands as one row, from which that history can be begun.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tickledger.db.lineage import LineageNode

#: Of a larger lineage the nearest rows are shown; each of them can be made the one that is asked about.
MOST_ROWS: Final = 150
_WIDTH: Final = 190
_HEIGHT: Final = 104
_CARRIED: Final = "wash_"


@dataclass(frozen=True, slots=True)
class Placed:
    """A row with its place: `x` along its layer, around 0, and `y`, which grows by the layer."""

    node: LineageNode
    layer: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class LineageGraph:
    """The rows, nearest first within their layers, the edges as pairs of ids, and how many rows were left out."""

    rows: Sequence[Placed]
    edges: Sequence[tuple[str, str]]
    left_out: int

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return max(row.layer for row in self.rows) + 1


def lineage_graph(root: LineageNode, *, most: int = MOST_ROWS) -> LineageGraph:
    """The graph of a lineage; rows that the tree repeats stand once."""
    nodes = _unique(root)
    kept = dict(list(nodes.items())[:most])
    edges = [
        (node.id, parent.id)
        for node in kept.values()
        for parent in {parent.id: parent for parent in node.parents}.values()
        if parent.id in kept and parent.id != node.id
    ]
    layers = _layers(root.id, kept, edges)
    return LineageGraph(_placed(kept, edges, layers), edges, len(nodes) - len(kept))


def _unique(root: LineageNode) -> dict[str, LineageNode]:
    """The rows by id, nearest first; of several mentions the one that names parents."""
    found: dict[str, LineageNode] = {}
    waiting = deque([root])
    while waiting:
        node = waiting.popleft()
        known = found.get(node.id)
        if known is None or (known.is_cut and not node.is_cut):
            found[node.id] = node
            if node is root or not node.id.startswith(_CARRIED):
                waiting.extend(node.parents)
    return found


def _layers(root: str, nodes: Mapping[str, LineageNode], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way from the root, in edges.

    A lineage has no circles; were there one, layers would grow no further than there are rows.
    """
    onward: dict[str, list[str]] = defaultdict(list)
    for child, parent in edges:
        onward[child].append(parent)
    layers = dict.fromkeys(nodes, 0)
    waiting = deque([root])
    while waiting:
        here = waiting.popleft()
        for parent in onward[here]:
            if layers[here] + 1 > layers[parent] and layers[here] < len(nodes):
                layers[parent] = layers[here] + 1
                waiting.append(parent)
    return layers


def _placed(
    nodes: Mapping[str, LineageNode], edges: Sequence[tuple[str, str]], layers: Mapping[str, int]
) -> Sequence[Placed]:
    leads: dict[str, list[str]] = defaultdict(list)
    for child, parent in edges:
        leads[parent].append(child)
    by_layer: dict[int, list[str]] = defaultdict(list)
    for identity in nodes:
        by_layer[layers[identity]].append(identity)
    across: dict[str, float] = {}
    placed: list[Placed] = []
    for layer in sorted(by_layer):
        # Sorting is stable: where nothing tells two apart, they stay as they were found.
        ordered = sorted(by_layer[layer], key=lambda one: _mean([across.get(child, 0.0) for child in leads[one]]))
        for place, identity in enumerate(ordered):
            across[identity] = (place - (len(ordered) - 1) / 2) * _WIDTH
            placed.append(Placed(nodes[identity], layer, round(across[identity]), layer * _HEIGHT))
    return placed


def _mean(places: Sequence[float]) -> float:
    return sum(places) / len(places) if places else 0.0
