"""A network in functional style: it owns its weights and calls `torch.nn.functional`; there are no layer objects.

nnlint treats `F.conv2d` as it treats `nn.Conv2d`, and points at the call.
"""

import torch
import torch.nn.functional as F
from torch import nn


class FunctionalNet(nn.Module):
    """Three convolutions for 32x32 images. The dropout of the second block comes before its batch norm."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(32, 3, 5, 5) * 0.1)
        self.w2 = nn.Parameter(torch.randn(64, 32, 3, 3) * 0.05)
        self.w3 = nn.Parameter(torch.randn(128, 64, 3, 3) * 0.05)
        self.gamma = nn.ParameterList([nn.Parameter(torch.ones(n)) for n in (32, 64, 128)])
        self.beta = nn.ParameterList([nn.Parameter(torch.zeros(n)) for n in (32, 64, 128)])
        for i, n in enumerate((32, 64, 128)):
            self.register_buffer(f"mean{i}", torch.zeros(n))
            self.register_buffer(f"var{i}", torch.ones(n))
        self.w_out = nn.Parameter(torch.randn(classes, 128) * 0.1)
        self.b_out = nn.Parameter(torch.zeros(classes))

    def norm(self, x: torch.Tensor, i: int) -> torch.Tensor:
        """Batch norm with the i-th set of statistics."""
        mean, var = self.get_buffer(f"mean{i}"), self.get_buffer(f"var{i}")
        return F.batch_norm(x, mean, var, self.gamma[i], self.beta[i], training=self.training)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes) for images of shape (N, 3, 32, 32)."""
        x = F.relu_(self.norm(F.conv2d(x, self.w1, padding=2), 0))
        x = F.max_pool2d(x, 2)
        x = F.conv2d(x, self.w2, padding=1)
        x = F.dropout(x, 0.2, training=self.training)
        x = F.relu_(self.norm(x, 1))
        x = F.max_pool2d(x, 2)
        x = F.relu_(self.norm(F.conv2d(x, self.w3, padding=1), 2))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.linear(x, self.w_out, self.b_out)


if __name__ == "__main__":
    print(FunctionalNet()(torch.randn(2, 3, 32, 32)).shape)
