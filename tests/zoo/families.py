"""Canonical network families, compact and small: what the zoo's quick sample and the benchmarks use."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from entry import Entry, called, floats, tokens
from torch import Tensor, nn


def conv_norm(
    inside: int, outside: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution without bias, batch norm, activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outside),
    ]
    return nn.Sequential(*layers, *[nn.ReLU(inplace=True)] * act)


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_norm(inside, outside, 3, stride), conv_norm(outside, outside, act=False))
        self.shortcut = conv_norm(inside, outside, 1, stride, act=False) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C', H / stride, W / stride]."""
        return F.relu(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """A residual network with two stages."""

    def __init__(self, width: int = 8, blocks: int = 1) -> None:
        super().__init__()
        self.stem = conv_norm(3, width)
        stages = [ResidualBlock(width, width) for _ in range(blocks)] + [ResidualBlock(width, 2 * width, 2)]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(2 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, 10]."""
        x = self.stages(self.stem(x))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class PreActivationBlock(nn.Module):
    """Norm and activation before each convolution; the shortcut stays clean."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(torch.relu(norm(y)))
        return x + y


class DenseNet(nn.Module):
    """Every layer reads all before it."""

    def __init__(self, growth: int = 4, layers: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(8 + i * growth), nn.ReLU(), nn.Conv2d(8 + i * growth, growth, 3, padding=1, bias=False)
            )
            for i in range(layers)
        )
        self.stem, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 + layers * growth, 10)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, 10]."""
        features = [self.stem(x)]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return self.head(torch.cat(features, 1).mean((2, 3)))


class SqueezeExcite(nn.Module):
    """Scales channels by what the whole image says of them."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(width, inner, 1), nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        return x * torch.sigmoid(self.up(F.silu(self.down(x.mean((2, 3), keepdim=True)))))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; MobileNetV2's, and EfficientNet's with ``squeeze``."""

    def __init__(self, width: int, expand: int = 4, squeeze: bool = False) -> None:
        super().__init__()
        inner = width * expand
        layers = [conv_norm(width, inner, 1), conv_norm(inner, inner, 3, groups=inner)]
        extra = [SqueezeExcite(inner, 4)] if squeeze else []
        self.body = nn.Sequential(*layers, *extra, conv_norm(inner, width, 1, act=False))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        return x + self.body(x)


class ConvNeXtBlock(nn.Module):
    """Large depthwise kernel, layer norm over channels, two linear layers, a learned scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(1e-2 * torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        y = self.norm(self.filter(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.down(F.gelu(self.up(y)))).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Multi-head self-attention written out."""

    def __init__(self, width: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] to the same shape."""
        n, t, c = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(c // self.heads)
        if self.causal:
            scores = scores.masked_fill(torch.ones(t, t, dtype=torch.bool, device=x.device).triu(1), float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, c))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] to the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Patches, a class token, transformer blocks."""

    def __init__(self, width: int = 16, depth: int = 2) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 17, width))
        self.blocks = nn.Sequential(*(Block(width, 2) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 32, 32] to [N, 10]."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


class ShiftedWindow(nn.Module):
    """Attention within windows, shifted by half a window, as in Swin."""

    def __init__(self, width: int = 16, window: int = 4, shift: int = 2) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm, self.attention = nn.LayerNorm(width), Attention(width, 2)
        self.embed, self.merge = nn.Conv2d(3, width, 4, 4), nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 32, 32] to [N, 4, 4, 2 C]."""
        x = self.embed(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        m = self.window
        y = torch.roll(self.norm(x), (-self.shift, -self.shift), (1, 2))
        windows = y.view(n, h // m, m, w // m, m, c).transpose(2, 3).reshape(-1, m * m, c)
        y = self.attention(windows).view(n, h // m, w // m, m, m, c).transpose(2, 3).reshape(n, h, w, c)
        x = x + torch.roll(y, (self.shift, self.shift), (1, 2))
        return self.merge(torch.cat([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -1))


class UNet(nn.Module):
    """Down, up, and the skips between; with ``time``, a denoiser told how noisy its input is."""

    def __init__(self, width: int = 8, time: bool = False) -> None:
        super().__init__()
        self.enter, self.down, self.middle = (
            conv_norm(3, width),
            conv_norm(width, 2 * width),
            conv_norm(2 * width, 2 * width),
        )
        self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.leave = nn.Sequential(conv_norm(2 * width, width), nn.Conv2d(width, 3, 1))
        self.time = (
            nn.Sequential(nn.Linear(16, 2 * width), nn.SiLU(), nn.Linear(2 * width, 2 * width)) if time else None
        )

    def forward(self, x: Tensor, t: Tensor | None = None) -> Tensor:
        """[N, 3, H, W] and the noise's step [N] to [N, 3, H, W]."""
        skip = self.enter(x)
        y = self.down(F.max_pool2d(skip, 2))
        if self.time is not None and t is not None:
            angles = t[:, None].float() * torch.exp(-torch.arange(8, device=t.device) / 2)
            y = y + self.time(torch.cat([angles.sin(), angles.cos()], -1))[:, :, None, None]
        y = self.up(self.middle(y))
        return self.leave(torch.cat([skip, y], 1))


class GPT(nn.Module):
    """A causal language model; the head shares the embedding's weight."""

    def __init__(self, vocabulary: int = 64, width: int = 16, depth: int = 2) -> None:
        super().__init__()
        self.embed, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(32, width)
        self.blocks = nn.ModuleList(Block(width, 2, causal=True) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        """Token ids [N, T] to logits [N, T, V]."""
        x = self.embed(ids) + self.positions(torch.arange(ids.size(1), device=ids.device))
        for block in self.blocks:
            x = block(x)
        return {"logits": self.head(self.norm(x))}


class BERT(nn.Module):
    """torch's own encoder over tokens, with padding masked."""

    def __init__(self, vocabulary: int = 64, width: int = 16) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width, padding_idx=0)
        layer = nn.TransformerEncoderLayer(width, 2, 32, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.pool = nn.Linear(width, width)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Token ids [N, T] and what to look at [N, T] to states [N, T, C] and a summary [N, C]."""
        states = self.encoder(self.embed(ids), src_key_padding_mask=mask == 0 if mask is not None else None)
        return states, torch.tanh(self.pool(states[:, 0]))


class LSTMClassifier(nn.Module):
    """A bidirectional LSTM over tokens; its last states are classified."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(64, 12)
        self.lstm = nn.LSTM(12, 8, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(16, 3)

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids [N, T] to [N, 3]."""
        _, (hidden, _) = self.lstm(self.embed(ids))
        return self.head(torch.cat([hidden[-2], hidden[-1]], 1))


class VAE(nn.Module):
    """Encoder, sampled code, decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.mean, self.log_variance = nn.Linear(48, 32), nn.Linear(32, 4), nn.Linear(32, 4)
        self.decode = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 48), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, 3, 4, 4] to its reconstruction, and the code's mean and log variance [N, 4]."""
        hidden = F.relu(self.encode(x.flatten(1)))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decode(code).view_as(x), mean, log_variance


def dcgan_generator() -> nn.Module:
    """Noise [N, 16, 1, 1] to an image [N, 3, 16, 16]."""
    layers: list[nn.Module] = []
    for inside, outside, stride, padding in ((16, 16, 1, 0), (16, 8, 2, 1)):
        layers += [
            nn.ConvTranspose2d(inside, outside, 4, stride, padding, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(True),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_discriminator() -> nn.Module:
    """An image [N, 3, 16, 16] to [N, 1]."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(8, 16, 4, 2, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 1, 4),
        nn.Flatten(),
    )


def stacked(block: type[nn.Module], width: int, **options: object) -> nn.Module:
    """Two blocks between a stem and a head."""
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        block(width, **options),
        block(width, **options),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, 10),
    )


def families() -> list[Entry]:
    """The networks of this file and torch's own composites."""
    image, words = floats((2, 3, 32, 32)), called(lambda: (tokens(2, 12),))
    sequence = floats((5, 2, 16))
    return [
        Entry("ResNet", ResNet, image),
        Entry("PreActivation", lambda: stacked(PreActivationBlock, 8), image),
        Entry("DenseNet", DenseNet, image),
        Entry("MobileNetV2", lambda: stacked(InvertedResidual, 8), image),
        Entry("EfficientNet", lambda: stacked(InvertedResidual, 8, squeeze=True), image),
        Entry("ConvNeXt", lambda: stacked(ConvNeXtBlock, 8), image),
        Entry("ViT", ViT, image),
        Entry("Swin", ShiftedWindow, image),
        Entry("UNet", UNet, image),
        Entry(
            "DiffusionUNet", lambda: UNet(time=True), called(lambda: (torch.randn(2, 3, 16, 16), torch.tensor([3, 40])))
        ),
        Entry("GPT", GPT, words),
        Entry("BERT", BERT, called(lambda: (tokens(2, 12),), mask=lambda: torch.tensor([[1] * 12, [1] * 8 + [0] * 4]))),
        Entry("LSTMClassifier", LSTMClassifier, words),
        Entry("VAE", VAE, floats((2, 3, 4, 4))),
        Entry("DCGANGenerator", dcgan_generator, floats((2, 16, 1, 1))),
        Entry("DCGANDiscriminator", dcgan_discriminator, floats((2, 3, 16, 16))),
        Entry("nn.LSTM", lambda: nn.LSTM(16, 8, 2), sequence),
        Entry("nn.GRU", lambda: nn.GRU(16, 8, bidirectional=True), sequence),
        Entry("nn.RNN", lambda: nn.RNN(16, 8), sequence),
        Entry("nn.LSTMCell", lambda: nn.LSTMCell(16, 8), floats((3, 16))),
        Entry("nn.Transformer", lambda: nn.Transformer(16, 2, 1, 1, 32), floats((5, 2, 16), (4, 2, 16))),
        Entry(
            "nn.TransformerEncoder", lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32), 2), sequence
        ),
        Entry(
            "nn.TransformerDecoderLayer", lambda: nn.TransformerDecoderLayer(16, 2, 32), floats((5, 2, 16), (4, 2, 16))
        ),
        Entry(
            "nn.MultiheadAttention", lambda: nn.MultiheadAttention(16, 2), floats((5, 2, 16), (5, 2, 16), (5, 2, 16))
        ),
        Entry("nn.Bilinear", lambda: nn.Bilinear(4, 5, 3), floats((2, 4), (2, 5))),
        Entry("nn.EmbeddingBag", lambda: nn.EmbeddingBag(64, 8), called(lambda: (tokens(3, 6),))),
        Entry(
            "nn.AdaptiveLogSoftmaxWithLoss",
            lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10]),
            called(lambda: (torch.randn(6, 8), torch.arange(6) * 3)),
        ),
    ]
