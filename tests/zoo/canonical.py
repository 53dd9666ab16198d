"""Canonical networks at their full depth and narrow, written as good code writes them: none gets a warning."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from entry import Entry, called, floats
from families import conv_norm
from torch import Tensor, nn


class PreActivation(nn.Module):
    """Norm and activation before each convolution; where the shape changes, the shortcut starts behind the first."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inside), nn.BatchNorm2d(outside)
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.project = nn.Conv2d(inside, outside, 1, stride, bias=False) if inside != outside else None

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C', H / stride, W / stride]."""
        y = F.relu(self.norm1(x))
        shortcut = x if self.project is None else self.project(y)
        return shortcut + self.conv2(F.relu(self.norm2(self.conv1(y)), inplace=True))


def pre_activation_resnet(blocks: int = 2) -> nn.Module:
    """Three stages, and the norm and activation that the last block leaves out."""
    layers: list[nn.Module] = [nn.Conv2d(3, 8, 3, padding=1, bias=False)]
    for inside, outside in ((8, 8), (8, 16), (16, 32)):
        layers.append(PreActivation(inside, outside, 1 if inside == outside else 2))
        layers += [PreActivation(outside, outside) for _ in range(blocks - 1)]
    head = [nn.BatchNorm2d(32), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return nn.Sequential(*layers, *head)


class DenseLayer(nn.Module):
    """Bottleneck and convolution; what comes out is added to the channels."""

    def __init__(self, inside: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inside), nn.BatchNorm2d(4 * growth)
        self.conv1 = nn.Conv2d(inside, 4 * growth, 1, bias=False)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C + growth, H, W]."""
        y = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y), inplace=True))], 1)


def densenet() -> nn.Module:
    """Two dense blocks with a transition between them."""
    first = [DenseLayer(16 + 8 * i, 8) for i in range(3)]
    transition = [nn.BatchNorm2d(40), nn.ReLU(inplace=True), nn.Conv2d(40, 20, 1, bias=False), nn.AvgPool2d(2)]
    second = [DenseLayer(20 + 8 * i, 8) for i in range(3)]
    head = [nn.BatchNorm2d(44), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(44, 10)]
    stem = [*conv_norm(3, 16), nn.MaxPool2d(2)]
    return nn.Sequential(*stem, *first, *transition, *second, *head)


class TimedBlock(nn.Module):
    """Group norm, SiLU and convolution twice, told the time between them, around a shortcut."""

    def __init__(self, inside: int, outside: int, time: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, inside), nn.GroupNorm(4, outside)
        self.conv1, self.conv2 = nn.Conv2d(inside, outside, 3, padding=1), nn.Conv2d(outside, outside, 3, padding=1)
        self.time = nn.Linear(time, outside)
        self.drop = nn.Dropout(0.1)
        self.shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """[N, C, H, W] and [N, T] to [N, C', H, W]."""
        y = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(time))[:, :, None, None]
        return self.shortcut(x) + self.conv2(self.drop(F.silu(self.norm2(y))))


class MapAttention(nn.Module):
    """Attention between all places of a map, around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = (
            nn.GroupNorm(4, width),
            nn.Conv2d(width, 3 * width, 1),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        query, key, value = self.qkv(self.norm(x)).flatten(2).transpose(1, 2).chunk(3, -1)
        y = F.scaled_dot_product_attention(query, key, value)
        return x + self.out(y.transpose(1, 2).reshape(x.shape))


class DiffusionUNet(nn.Module):
    """The denoiser of DDPM: timed residual blocks, attention at the bottom, skips."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.width, time = width, 4 * width
        self.time = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.enter = nn.Conv2d(3, width, 3, padding=1)
        self.down1, self.down2 = TimedBlock(width, width, time), TimedBlock(width, 2 * width, time)
        self.shrink = nn.Conv2d(width, width, 3, 2, 1)
        self.middle1, self.middle2 = TimedBlock(2 * width, 2 * width, time), TimedBlock(2 * width, 2 * width, time)
        self.attention = MapAttention(2 * width)
        self.up2, self.up1 = TimedBlock(4 * width, 2 * width, time), TimedBlock(3 * width, width, time)
        self.grow = nn.Conv2d(2 * width, 2 * width, 3, padding=1)
        self.norm, self.leave = nn.GroupNorm(4, width), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        """[N, 3, H, W] and the noise's step [N] to [N, 3, H, W]."""
        half = self.width // 2
        angles = steps[:, None].float() * torch.exp(-math.log(1e4) * torch.arange(half, device=steps.device) / half)
        time = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        high = self.down1(self.enter(x), time)
        low = self.down2(self.shrink(high), time)
        y = self.middle2(self.attention(self.middle1(low, time)), time)
        y = self.up2(torch.cat([y, low], 1), time)
        y = self.grow(F.interpolate(y, scale_factor=2.0, mode="nearest"))
        y = self.up1(torch.cat([y, high], 1), time)
        return self.leave(F.silu(self.norm(y)))


class ConvVAE(nn.Module):
    """A convolutional encoder, a sampled code, a decoder that mirrors the encoder."""

    def __init__(self, code: int = 8) -> None:
        super().__init__()
        self.encode = nn.Sequential(*conv_norm(3, 16, 3, 2), *conv_norm(16, 32, 3, 2), nn.Flatten())
        self.mean, self.log_variance = nn.Linear(32 * 16, code), nn.Linear(32 * 16, code)
        self.spread = nn.Linear(code, 32 * 16)
        up = [nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        self.decode = nn.Sequential(*up, nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, 3, 16, 16] to its reconstruction, and the code's mean and log variance [N, C]."""
        hidden = self.encode(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decode(F.relu(self.spread(code)).unflatten(1, (32, 4, 4))), mean, log_variance


def discriminator() -> nn.Module:
    """DCGAN's, of images of 64x64."""
    layers: list[nn.Module] = [nn.Conv2d(3, 8, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for inside in (8, 16, 32):
        layers += [nn.Conv2d(inside, 2 * inside, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * inside)]
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers, nn.Conv2d(64, 1, 4, bias=False), nn.Flatten(), nn.Sigmoid())


def generator() -> nn.Module:
    """DCGAN's, of images of 64x64."""
    layers: list[nn.Module] = []
    for inside, outside, stride, padding in ((16, 64, 1, 0), (64, 32, 2, 1), (32, 16, 2, 1), (16, 8, 2, 1)):
        layers.append(nn.ConvTranspose2d(inside, outside, 4, stride, padding, bias=False))
        layers += [nn.BatchNorm2d(outside), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False), nn.Tanh())


class CroppedUNet(nn.Module):
    """The U-Net of 2015: no padding, and the skips cropped to what is left."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()

        def twice(inside: int, outside: int) -> nn.Sequential:
            convs = [nn.Conv2d(inside, outside, 3), nn.Conv2d(outside, outside, 3)]
            return nn.Sequential(convs[0], nn.ReLU(inplace=True), convs[1], nn.ReLU(inplace=True))

        self.high, self.low, self.merge = twice(3, width), twice(width, 2 * width), twice(2 * width, width)
        self.up, self.head = nn.ConvTranspose2d(2 * width, width, 2, 2), nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 44, 44] to [N, 2, 28, 28]."""
        high = self.high(x)
        y = self.up(self.low(F.max_pool2d(high, 2)))
        cut = (high.shape[-1] - y.shape[-1]) // 2
        return self.head(self.merge(torch.cat([high[:, :, cut:-cut, cut:-cut], y], 1)))


def canonical() -> list[Entry]:
    """The networks of this file."""
    image = floats((2, 3, 32, 32))
    return [
        Entry("PreActivationResNet", pre_activation_resnet, image),
        Entry("DenseNetBC", densenet, image),
        Entry("DDPM", DiffusionUNet, called(lambda: (torch.randn(2, 3, 16, 16), torch.tensor([3, 40])))),
        Entry("ConvVAE", ConvVAE, floats((2, 3, 16, 16))),
        Entry("DCGANDiscriminator64", discriminator, floats((2, 3, 64, 64))),
        Entry("DCGANGenerator64", generator, floats((2, 16, 1, 1))),
        Entry("CroppedUNet", CroppedUNet, floats((2, 3, 44, 44))),
    ]
