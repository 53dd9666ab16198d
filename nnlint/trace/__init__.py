"""From a live module to a recorded `torch.fx.GraphModule`, and from that to a `nnlint.graph.Graph`."""
