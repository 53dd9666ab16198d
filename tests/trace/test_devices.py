"""Networks that ask for a GPU, where there is none; and modules by names that fx keeps for itself."""

import pytest
import torch
from torch import nn

from nnlint.trace.record import record


class MovesEverything(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer(x.cuda()).to("cuda:0") + torch.zeros(4).cuda(non_blocking=True)
        return x + torch.ones(4, device=torch.device("cuda")) + torch.zeros(x.shape).to(device="cuda")


@pytest.fixture
def no_gpu() -> None:
    if torch.cuda.is_available():
        pytest.fail("this test is for a machine without a GPU: hide it with CUDA_VISIBLE_DEVICES=''")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_moves_to_an_absent_gpu_leave_tensors_where_they_are(device: str) -> None:
    model = MovesEverything().to(device)
    gm = record(model, torch.zeros(2, 3, device=device))
    output = next(node for node in gm.graph.nodes if node.op == "output")
    assert [value.shape for value in output.meta["nnlint"].reads] == [(2, 4)]


@pytest.mark.usefixtures("no_gpu")
def test_an_absent_gpu_is_no_excuse_for_other_errors() -> None:
    class Wrong(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.cuda().view(5, 5)

    with pytest.raises(Exception, match="view"):
        record(Wrong(), torch.zeros(2, 3))


@pytest.mark.parametrize("name", ["meta", "graph", "code"])
def test_submodules_by_the_names_of_a_graph_module(name: str) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module(name, nn.Sequential(nn.Linear(3, 4), nn.ReLU()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            part = getattr(self, name)
            return part(x) + part[0].weight.sum()

    model, x = Net(), torch.randn(2, 3)
    gm = record(model, x)
    torch.testing.assert_close(gm(x), model(x))
    paths = [node.meta["nnlint"].path for node in gm.graph.nodes]
    assert f"{name}.0" in paths
    assert f"{name}.0.weight" in paths
