"""Bytes counted against cases whose bytes are known."""

import gc

import pytest
import torch
from torch import Tensor, nn

from nnlint.compare.cost import Bytes, cost, peak_bytes
from nnlint.train.config import TrainConfig
from nnlint.train.hardware import Hardware

MB = 1 << 20


def test_a_tensor_counts_while_it_lives() -> None:
    with Bytes() as count:
        a = torch.zeros(MB // 4)
        assert count.now == MB
        b = a + 1
        assert count.now == 2 * MB
        del a
        assert count.now == MB
        b = b * 2
        assert (count.now, count.peak) == (MB, 2 * MB)
        del b
    assert count.now == 0


def test_views_and_changes_in_place_take_nothing() -> None:
    with Bytes() as count:
        a = torch.zeros(4, MB // 16)
        views = [a.view(-1), a[0], a.t(), a.detach(), a.add_(1), a.relu_()]
        assert count.now == count.peak == MB
        del a
        assert count.now == MB  # the views hold it
        views.clear()
        gc.collect()
        assert count.now == 0


def test_what_was_there_before_counts_once() -> None:
    a = torch.zeros(MB // 4)
    with Bytes([a, a.view(2, -1)]) as count:
        b = a.view(-1) + 0
    assert count.peak == 2 * MB
    del b


def test_a_storage_that_grows_in_place() -> None:
    with Bytes() as count:
        a = torch.zeros(4)
        torch.ones(MB // 8, out=a) if a.numel() else None
        assert count.now == MB // 2


def test_what_backward_keeps_is_counted() -> None:
    x = torch.zeros(MB // 4, requires_grad=True)
    with Bytes([x]) as count:
        y = x.sigmoid()  # kept for backward, although nobody names it below
        z = y.sum()
        del y
        assert count.now == 2 * MB + 4
        z.backward()
    assert x.grad is not None
    assert count.peak >= 3 * MB


class ConvNet(nn.Module):
    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 1, bias=False), nn.ReLU(inplace=inplace))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).mean((2, 3))


@pytest.mark.parametrize(("optimizer", "states"), [("adamw", 2), ("sgd", 1), ("adadelta", 2)])
def test_weights_gradients_and_the_state_of_the_optimiser(optimizer: str, states: int) -> None:
    net = nn.Linear(512, 512, bias=False)  # 1 MB
    x = torch.zeros(1, 512)
    peak = peak_bytes(net, x, torch.zeros(1, 512), nn.functional.mse_loss, TrainConfig(optimizer=optimizer))  # type: ignore[arg-type]
    # weights, gradients, states; and what one step of arithmetic holds beside them
    assert (2 + states) * MB <= peak <= (2 + states + 4) * MB


def test_in_place_saves_one_map_on_the_way_forward() -> None:
    x = torch.zeros(16, 1, 64, 64)
    one_map = 16 * 8 * 64 * 64 * 4
    peaks = []
    for inplace in (False, True):
        net = ConvNet(inplace)
        with torch.no_grad(), Bytes([x, *net.parameters()]) as count:
            net(x)
        peaks.append(count.peak)
    # in place the most is taken one operation later, when the means (512 bytes) are there too
    assert peaks[0] - peaks[1] == one_map - 512


def test_a_deeper_network_keeps_a_map_a_layer() -> None:
    x, y = torch.zeros(8, 64, 256), torch.zeros(8, 64, 256)
    one_map = 8 * 64 * 256 * 4
    peaks = [
        peak_bytes(
            nn.Sequential(Scale(), *[nn.Sigmoid() for _ in range(n)]), x, y, nn.functional.mse_loss, TrainConfig()
        )
        for n in (4, 9)
    ]
    assert peaks[1] - peaks[0] == 5 * one_map


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


def test_counting_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout())
    torch.manual_seed(3)
    peak_bytes(net, torch.rand(2, 4), torch.zeros(2, 4), nn.functional.mse_loss, TrainConfig())
    torch.manual_seed(3)
    assert torch.equal(torch.rand(4), expected)
    before = torch.get_rng_state()
    peak_bytes(net, torch.ones(2, 4), torch.zeros(2, 4), nn.functional.mse_loss, TrainConfig())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_types_and_the_layout_of_the_hardware_are_weighed() -> None:
    images, targets = torch.zeros(8, 4, 32, 32), torch.zeros(8, dtype=torch.long)
    bf16 = Hardware(
        torch.device("cpu"),
        lambda: torch.autocast("cpu", torch.bfloat16),
        torch.channels_last,
    )
    peaks, layouts = [], []
    for hardware in (None, bf16):
        layers = [nn.Conv2d(4, 4, 1), *(nn.Tanh() for _ in range(8))]
        net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        net[0].register_forward_hook(
            lambda _net, _inputs, output: layouts.append(
                (output.dtype, output.is_contiguous(memory_format=torch.channels_last))
            )
        )
        peaks.append(peak_bytes(net, images, targets, nn.functional.cross_entropy, TrainConfig(), hardware))
    assert layouts == [(torch.float32, False)] * 2 + [(torch.bfloat16, True)] * 2
    # nine maps in half as many bytes
    assert peaks[1] < 0.75 * peaks[0]


def test_no_run_no_cost() -> None:
    assert cost([], 1, 1, 1) is None
