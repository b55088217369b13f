"""The places of a lineage's rows."""

from hypothesis import given
from hypothesis import strategies as st

from tickledger.api.dashboard.lineage_graph import lineage_graph
from tickledger.db.lineage import LineageNode


def node(identity: str, *parents: LineageNode, is_cut: bool = False) -> LineageNode:
    return LineageNode(identity, identity.partition("_")[0], f"row {identity}", {}, parents, is_cut=is_cut)


@st.composite
def lineages(draw: st.DrawFn) -> LineageNode:
    """Rows of which each came from some of those before it."""
    made: list[LineageNode] = []
    for place in range(draw(st.integers(1, 14))):
        parents = draw(st.lists(st.sampled_from(made), max_size=3, unique_by=id)) if made else []
        made.append(node(f"{draw(st.sampled_from(['sig', 'exec', 'wash', 'bar']))}_{place}", *parents))
    return node("line_0", *made[-3:])


@given(lineages())
def test_every_edge_leads_down_and_every_row_has_a_place_of_its_own(root: LineageNode) -> None:
    graph = lineage_graph(root)
    layers = {row.node.id: row.layer for row in graph.rows}
    assert graph.rows[0].node is root
    assert all(layers[parent] > layers[child] for child, parent in graph.edges)
    assert len({(row.x, row.y) for row in graph.rows}) == len(graph.rows) == len(layers)
    assert layers.keys() >= {identity for edge in graph.edges for identity in edge}
    assert graph.left_out == 0


@given(lineages(), st.integers(1, 5))
def test_of_a_large_lineage_the_nearest_rows_are_kept(root: LineageNode, most: int) -> None:
    whole, part = lineage_graph(root), lineage_graph(root, most=most)
    assert len(part.rows) == min(most, len(whole.rows))
    assert part.left_out == len(whole.rows) - len(part.rows)
    assert part.rows[0].node is root


def test_a_row_that_is_cut_in_one_place_has_the_parents_of_the_other() -> None:
    bar = node("bar_1")
    whole, cut = node("exec_1", bar), node("exec_1", is_cut=True)
    graph = lineage_graph(node("line_1", node("gain_1", cut), node("gain_2", whole)))
    assert ("exec_1", "bar_1") in graph.edges
    assert {("gain_1", "exec_1"), ("gain_2", "exec_1")} <= set(graph.edges)


def test_the_history_of_a_carried_loss_is_one_row_unless_it_is_asked_about() -> None:
    wash = node("wash_1", node("gain_9", node("exec_9")))
    assert {row.node.id for row in lineage_graph(node("gain_1", wash)).rows} == {"gain_1", "wash_1"}
    assert {row.node.id for row in lineage_graph(wash).rows} == {"wash_1", "gain_9", "exec_9"}
