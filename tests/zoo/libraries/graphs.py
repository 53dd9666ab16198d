"""PyTorch Geometric: graph networks over a small random graph, and point clouds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from entry import Entry, Inputs, called
from torch import nn

DISTRIBUTIONS = ("torch_geometric",)


def _nodes(count: int = 12, width: int = 8) -> torch.Tensor:
    return torch.randn(count, width)


def _edges(count: int = 12) -> torch.Tensor:
    """A ring and some chords, both directions: the same for every seed, so that the graph is data of one shape."""
    index = torch.arange(count)
    ring = torch.stack([index, (index + 1) % count])
    chords = torch.stack([index[::2], (index[::2] + 5) % count])
    edges = torch.cat([ring, chords], 1)
    return torch.cat([edges, edges.flip(0)], 1)


def _graph(**more: Callable[[], Any]) -> Callable[[nn.Module], Inputs]:
    return called(lambda: (_nodes(), _edges()), **more)


def entries() -> Iterator[Entry]:
    """The ready models, and one network of two layers for every convolution with the plain interface."""
    import torch_geometric.nn as g
    from torch_geometric.nn import models as m

    count = _edges().shape[1]
    for name in ("GCN", "GraphSAGE", "GIN", "GAT", "EdgeCNN"):
        yield Entry(name, lambda name=name: getattr(m, name)(8, 16, 2, 4), _graph())
    degrees = torch.bincount(torch.full((12,), 3))
    yield Entry(
        "PNA",
        lambda: m.PNA(8, 16, 2, 4, aggregators=["mean", "max"], scalers=["identity", "amplification"], deg=degrees),
        _graph(),
    )
    yield Entry("GraphUNet", lambda: m.GraphUNet(8, 16, 4, depth=2, pool_ratios=0.5), _graph())
    yield Entry("MLP", lambda: m.MLP([8, 16, 4]), called(lambda: (_nodes(),)))
    yield Entry(
        "AttentiveFP",
        lambda: m.AttentiveFP(8, 16, 4, 3, 2, 2),
        _graph(edge_attr=lambda: torch.randn(count, 3), batch=lambda: torch.zeros(12, dtype=torch.long)),
    )
    yield Entry("LINKX", lambda: m.LINKX(12, 8, 16, 4, 2), _graph())
    yield Entry("GAE", lambda: m.GAE(m.GCN(8, 16, 2, 4)), _graph())
    yield Entry("LightGCN", lambda: m.LightGCN(12, 8, 2), called(lambda: (_edges(),)))
    yield Entry(
        "NeuralFingerprint",
        lambda: m.NeuralFingerprint(8, 16, 4, 2),
        _graph(batch=lambda: torch.zeros(12, dtype=torch.long)),
    )
    yield Entry("SGFormer", lambda: m.SGFormer(8, 16, 4), _graph(batch=lambda: torch.zeros(12, dtype=torch.long)))
    yield Entry("Polynormer", lambda: m.Polynormer(8, 16, 4), _graph(batch=lambda: torch.zeros(12, dtype=torch.long)))
    yield Entry(
        "SchNet",
        lambda: m.SchNet(16, 16, 2, 8, cutoff=5.0, interaction_graph=_Everyone()),
        called(lambda: (torch.randint(1, 9, (6,)), torch.randn(6, 3))),
    )
    plain = """
        GCNConv SAGEConv GATConv GATv2Conv GraphConv TAGConv ARMAConv SGConv TransformerConv LEConv ClusterGCNConv
        ResGatedGraphConv MFConv FeaStConv SuperGATConv GENConv FiLMConv GeneralConv HypergraphConv
    """
    convolutions: dict[str, tuple[Any, ...]] = dict.fromkeys(plain.split(), ()) | {"ChebConv": (3,), "SSGConv": (0.1,)}
    for name, more in convolutions.items():
        yield Entry(
            f"two_{name}",
            lambda name=name, more=more: g.Sequential(
                "x, edges",
                [
                    (getattr(g, name)(8, 16, *more), "x, edges -> x"),
                    nn.ReLU(),
                    (getattr(g, name)(16, 4, *more), "x, edges -> x"),
                ],
            ),
            _graph(),
        )
    yield Entry("RGCN", lambda: g.RGCNConv(8, 4, 3), _graph(edge_type=lambda: torch.arange(count) % 3))
    yield Entry("EGC", lambda: g.EGConv(8, 8, num_heads=2), _graph())
    yield Entry("GatedGraph", lambda: g.GatedGraphConv(8, 3), _graph())
    yield Entry("GPS", lambda: g.GPSConv(8, g.GINConv(m.MLP([8, 8])), heads=2), _graph())
    yield Entry("DynamicEdgeConv", lambda: g.EdgeConv(m.MLP([16, 8])), _graph())
    yield Entry(
        "PointNet",
        lambda: g.PointNetConv(m.MLP([8 + 3, 16]), m.MLP([16, 4])),
        called(lambda: (_nodes(), torch.randn(12, 3), _edges())),
    )


class _Everyone(nn.Module):
    """An interaction graph of all pairs, which needs no compiled extension."""

    def forward(self, positions: torch.Tensor, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Edges [2, E] between all different points of a batch, and their lengths [E]."""
        row, column = torch.triu_indices(len(positions), len(positions), 1)
        edges = torch.cat([torch.stack([row, column]), torch.stack([column, row])], 1)
        return edges, (positions[edges[0]] - positions[edges[1]]).norm(dim=-1)
