"""Networks of many forms, and the inputs nnlint should find for each without being told anything."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody writes it

from nnlint.inputs.contracts import contract
from nnlint.inputs.search import MAX_TRIES, Attempt, Inputs, NoInputs, find_inputs


class Case(NamedTuple):
    build: Callable[[], nn.Module]
    expected: tuple[str, ...] | None  # None: any inputs the network accepts
    values: bool = False  # the forward pass needs values: a real run


CASES: dict[str, Case] = {}


def accepts(*expected: str, values: bool = False) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    def add(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        CASES[build.__name__] = Case(build, expected or None, values)
        return build

    return add


def search(build: Callable[[], nn.Module], values: bool) -> Any:
    with torch.device("meta"):
        module = build().eval()
    return find_inputs([lambda: attempt("meta", module), lambda: attempt("cpu", build().eval())][: 1 + values])


def attempt(device: str, module: nn.Module) -> Attempt:
    return Attempt(device, module, lambda args, kwargs: forward(module, args, kwargs))


def forward(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with torch.no_grad():
        return module(*args, **kwargs)


# images


@accepts("2x1x32x32")
class LeNet32(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))


@accepts("2x1x28x28")
class LeNet28(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return F.log_softmax(self.fc2(F.relu(self.fc1(x.view(-1, 320)))), dim=1)


@accepts("2x1x28x28")
class MnistExample(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))


@accepts("2x3x32x32")
def cifar_sequential() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


@accepts("2x3x224x224")
def vgg16() -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
        channels = width or channels
    head = [nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, *head)


@accepts("2x3x224x224")
class AlexNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
            nn.MaxPool2d(3, 2), nn.Conv2d(192, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Linear(4096, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).view(x.size(0), 256 * 6 * 6))


@accepts("2x3x32x32")
class CifarResNet(nn.Module):
    class Block(nn.Module):
        def __init__(self, a: int, b: int, stride: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(a, b, 3, stride, 1)
            self.norm = nn.BatchNorm2d(b)
            self.short = nn.Conv2d(a, b, 1, stride)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.norm(self.conv(x)) + self.short(x))

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.stages = nn.ModuleList([self.Block(16, 32, 2), self.Block(32, 64, 2)])
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.fc(F.avg_pool2d(x, 8).view(x.size(0), -1))


@accepts()
class Oblong(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 7, 3, 2, 1)
        self.conv2 = nn.Conv2d(7, 11, 3, 2, 1)
        self.fc = nn.Linear(11 * 10 * 18, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv2(self.conv(x)).flatten(1))


@accepts("2x3x150x150")
def cats_and_dogs() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128 * 17 * 17, 512), nn.ReLU(),
        nn.Linear(512, 1), nn.Sigmoid(),
    )  # fmt: skip


@accepts("2x784")
def mlp_flat() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))


@accepts("2x1x28x28")
def mlp_flattening() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 100), nn.ReLU(), nn.Linear(100, 10))


@accepts("2x1x28x28")
class MlpView(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.relu(self.fc1(x.view(-1, 28 * 28))))


@accepts("2x13")
class Tabular(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(13)
        self.layers = nn.ModuleList([nn.Linear(13, 32), nn.Linear(32, 1)])

    def forward(self, features: Tensor) -> Tensor:
        x = self.norm(features)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


@accepts("2x3x32x32")
class NormFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(3)
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.bn(x)).mean((2, 3))


@accepts("2x3x224x224")
class Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, 192, 16, 16)
        self.cls = nn.Parameter(torch.zeros(1, 1, 192))
        self.pos = nn.Parameter(torch.zeros(1, 197, 192))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(192, 3, 384, batch_first=True), 2)
        self.head = nn.Linear(192, 1000)

    def forward(self, img: Tensor) -> Tensor:
        x = self.proj(img).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.pos
        return self.head(self.encoder(x)[:, 0])


@accepts("2x3x72x72")
class VitAsserting(nn.Module):
    def __init__(self, size: int = 72, patch: int = 6) -> None:
        super().__init__()
        self.size, self.patch = size, patch
        self.proj = nn.Linear(3 * patch * patch, 32)
        self.pos = nn.Parameter(torch.zeros((size // patch) ** 2, 32))

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        assert h == self.size and w == self.size, f"Input height {h} does not match the model's {self.size}"
        x = x.reshape(n, c, h // self.patch, self.patch, w // self.patch, self.patch)
        x = x.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, c * self.patch**2)
        return self.proj(x) + self.pos


class Double(nn.Sequential):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())


@accepts()
class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = (8, 16, 32, 64)
        self.downs = nn.ModuleList(Double(a, b) for a, b in zip((3, *widths), widths, strict=False))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairwise(widths))
        self.merges = nn.ModuleList(Double(2 * a, a) for a in widths[:-1])
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = skips.pop()
        for up, merge in zip(reversed(self.ups), reversed(self.merges), strict=True):
            x = merge(torch.cat([skips.pop(), up(x)], dim=1))
        return self.out(x)


@accepts()
class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 16))
        self.decoder = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x.flatten(1))).view(-1, 1, 28, 28)


@accepts("2x784")
class Vae(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21, self.fc22 = nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


@accepts()
class ConvVae(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1)
        )
        self.mu, self.logvar = nn.Linear(128 * 4 * 4, 32), nn.Linear(128 * 4 * 4, 32)
        self.project = nn.Linear(32, 128 * 4 * 4)
        self.decoder = nn.Sequential(nn.ConvTranspose2d(128, 3, 8, 8))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x).view(x.size(0), -1)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.decoder(self.project(mu).view(-1, 128, 4, 4)), mu, logvar


@accepts("2x100x1x1")
def dcgan_generator() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(100, 256, 4, 1, 0, bias=False), nn.BatchNorm2d(256), nn.ReLU(),
        nn.ConvTranspose2d(256, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


@accepts("2x3x64x64")
def dcgan_discriminator() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 128, 4, 2, 1),
        nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Conv2d(128, 256, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(256, 512, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(512, 1, 4, 1, 0), nn.Flatten(), nn.Linear(1, 1), nn.Sigmoid(),
    )  # fmt: skip


@accepts("2x64")
class MlpGenerator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Linear(128, 784), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.model(z).view(z.size(0), 1, 28, 28)


@accepts("2x1x28x28")
class MlpDiscriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(784, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1), nn.Sigmoid())

    def forward(self, img: Tensor) -> Tensor:
        return self.model(img.view(img.size(0), -1))


@accepts("2x100", "long 2")
class ConditionalGenerator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.label_emb = nn.Embedding(10, 10)
        self.model = nn.Sequential(nn.Linear(110, 128), nn.ReLU(), nn.Linear(128, 784))

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        return self.model(torch.cat((self.label_emb(labels), noise), -1)).view(-1, 1, 28, 28)


@accepts("2x3x32x32", "2x3x32x32")
class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(16, 1)

    def once(self, x: Tensor) -> Tensor:
        return self.cnn(x)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return self.fc(torch.cat([self.once(x1), self.once(x2)], dim=1))


@accepts("2x3x32x32", "2x3x32x32", "2x3x32x32")
class Triplet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.embed(anchor), self.embed(positive), self.embed(negative)


@accepts()
class SuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 9, 3, padding=1)
        self.shuffle = nn.PixelShuffle(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(self.conv2(torch.tanh(self.conv1(x))))


@accepts("1x3x64x64")
class BatchOfOne(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.fc = nn.Linear(4 * 32 * 32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).view(1, 4 * 32 * 32))


# sequences


@accepts("long 2x16")
class LstmClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5000, 64)
        self.lstm = nn.LSTM(64, 128, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(256, 2)

    def forward(self, text: Tensor) -> Tensor:
        _, (h, _) = self.lstm(self.embedding(text))
        return self.fc(torch.cat((h[-2], h[-1]), dim=1))


@accepts("long 2x16")
class LanguageModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Embedding(1000, 32)
        self.rnn = nn.LSTM(32, 32, 2)
        self.decoder = nn.Linear(32, 1000)

    def forward(self, input: Tensor, hidden: Any = None) -> tuple[Tensor, Any]:
        assert input.dim() == 2
        output, hidden = self.rnn(self.encoder(input), hidden)
        return self.decoder(output), hidden


@accepts("long 16x2", "4x2x32")
class GruWithHidden(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 24)
        self.rnn = nn.GRU(24, 32, 2, bidirectional=True)

    def forward(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        return self.rnn(self.embed(x), hidden)


@accepts("2x16x28")
class LstmRegressor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.layers = 20, 2
        self.lstm = nn.LSTM(28, 20, 2, batch_first=True)
        self.fc = nn.Linear(20, 1)

    def forward(self, x: Tensor) -> Tensor:
        h0 = torch.zeros(self.layers, x.size(0), self.hidden).to(x.device)
        c0 = torch.zeros(self.layers, x.size(0), self.hidden).to(x.device)
        out, _ = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


@accepts("long 2x16", "long 2", values=True)
class PackedLstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.lstm = nn.LSTM(16, 8, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(x), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        return self.lstm(packed)[1][0]


@accepts()
class Seq2Seq(nn.Module):
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(200, 16)
            self.rnn = nn.GRU(16, 32)

        def forward(self, src: Tensor) -> Tensor:
            return self.rnn(self.embedding(src))[1]

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(300, 16)
            self.rnn = nn.GRU(16, 32)
            self.out = nn.Linear(32, 300)

        def forward(self, input: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
            output, hidden = self.rnn(self.embedding(input.unsqueeze(0)), hidden)
            return self.out(output.squeeze(0)), hidden

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = self.Encoder(), self.Decoder()

    def forward(self, src: Tensor, trg: Tensor, teacher_forcing_ratio: float = 0.5) -> Tensor:
        hidden = self.encoder(src)
        step, outputs = trg[0], []
        for _ in range(1, trg.shape[0]):
            step, hidden = self.decoder(step, hidden)
            outputs.append(step)
            step = step.argmax(1)
        return torch.stack(outputs)


@accepts(values=True)
class Translator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.src_embed, self.tgt_embed = nn.Embedding(100, 32), nn.Embedding(120, 32)
        self.transformer = nn.Transformer(32, 4, 1, 1, 64, batch_first=True)
        self.out = nn.Linear(32, 120)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        mask = self.transformer.generate_square_subsequent_mask(tgt.size(1)).to(src.device)
        return self.out(self.transformer(self.src_embed(src), self.tgt_embed(tgt), tgt_mask=mask))


@accepts()
class MaskedTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.fc = nn.Linear(32, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        x = self.layer(self.embed(input_ids), src_key_padding_mask=attention_mask == 0)
        weights = attention_mask.unsqueeze(-1).float()
        return self.fc((x * weights).sum(1) / weights.sum(1))


@accepts()
class Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block_size = 24
        self.wte, self.wpe = nn.Embedding(65, 32), nn.Embedding(24, 32)
        self.attn = nn.Linear(32, 96)
        self.register_buffer("mask", torch.tril(torch.ones(24, 24)).view(1, 1, 24, 24))
        self.head = nn.Linear(32, 65)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        b, t = idx.size()
        assert t <= self.block_size
        x = self.wte(idx) + self.wpe(torch.arange(t, device=idx.device))
        q, k, v = self.attn(x).split(32, dim=2)
        q, k, v = (y.view(b, t, 4, 8).transpose(1, 2) for y in (q, k, v))
        att = (q @ k.transpose(-2, -1)).masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf")).softmax(-1)
        return self.head((att @ v).transpose(1, 2).reshape(b, t, 32)), None


@accepts()
class TextCnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(1000, 50)
        self.convs = nn.ModuleList([nn.Conv2d(1, 20, (k, 50)) for k in (3, 4, 5)])
        self.fc = nn.Linear(60, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).unsqueeze(1)
        return self.fc(torch.cat([F.relu(conv(x)).squeeze(3).amax(2) for conv in self.convs], 1))


@accepts("2x1x16000")
class AudioNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, 32, 80, stride=16)
        self.pool = nn.MaxPool1d(4)
        self.conv2 = nn.Conv1d(32, 32, 3)
        self.fc = nn.Linear(32, 35)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.pool(F.relu(self.conv1(x))))
        return self.fc(F.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1))


@accepts()
class ConvLinear1d(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 8, 5, 2)
        self.fc = nn.Linear(8 * 62, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).flatten(1))


@accepts()
class ChannelsLast1d(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(9, 16, 3)
        self.fc = nn.Linear(16, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 1)
        return self.fc(self.conv(x).mean(-1))


@accepts()
class Crnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, (2, 1), 1))
        self.rnn = nn.LSTM(32 * 8, 64, bidirectional=True)
        self.fc = nn.Linear(128, 37)

    def forward(self, x: Tensor) -> Tensor:
        f = self.cnn(x)
        b, c, h, w = f.shape
        return self.fc(self.rnn(f.view(b, c * h, w).permute(2, 0, 1))[0])


# volumes and video


@accepts("2x1x32x32x32")
def volume_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool3d(2), nn.Flatten(), nn.Linear(16 * 8 * 8 * 8, 2),
    )  # fmt: skip


@accepts()
class VideoLstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.fc = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, c, h, w = x.size()
        x = self.cnn(x.view(batch * frames, c, h, w)).view(batch, frames, -1)
        return self.fc(self.lstm(x)[0][:, -1])


# several inputs, other forms


@accepts("2x3x32x32", "2x7")
class ImageAndMeta(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.mlp = nn.Linear(7, 8)
        self.head = nn.Linear(16, 2)

    def forward(self, image: Tensor, meta: Tensor) -> Tensor:
        return self.head(torch.cat([self.cnn(image), self.mlp(meta)], 1))


@accepts("2x3x32x32", "long 2x16")
class ImageAndText(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.visual = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.words = nn.Embedding(100, 8)

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        return self.visual(image) @ self.words(text).mean(1).t()


@accepts()
class Denoiser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inp, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)
        self.time = nn.Linear(32, 16)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        half = torch.arange(16, device=t.device)
        angles = t[:, None].float() * torch.exp(-half)[None, :]
        emb = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        return self.out(F.relu(self.inp(x) + emb[:, :, None, None]))


@accepts("2x2", "2x1")
class ToyDiffusion(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.net(torch.cat([x, t], dim=1))


@accepts("2x1", "2x1")
class Pinn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 20)
        self.out = nn.Linear(20, 1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.out(torch.tanh(self.hidden(torch.cat((x, t), 1))))


@accepts("{pixels: 2x3x32x32, ids: long 2x16}")
class DictInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.embed = nn.Embedding(30, 8)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.conv(batch["pixels"]).mean((2, 3)) + self.embed(batch["ids"]).mean(1)


@accepts()
class ListInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)])

    def forward(self, xs: list[Tensor]) -> Tensor:
        return sum(conv(x).mean((2, 3)) for conv, x in zip(self.convs, xs, strict=True))


@accepts("x: 2x5", "scale: 2x5")
class KeywordOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.gate = nn.Linear(5, 3), nn.Linear(5, 3)

    def forward(self, *, x: Tensor, scale: Tensor) -> Tensor:
        return self.fc(x) * self.gate(scale)


@accepts("[2x4, 2x6]")
class PairInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(6, 3)

    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        left, right = pair
        return self.a(left) + self.b(right)


@accepts("10x16", "10x10")
class DenseGcn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(16, 8))
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor, adj: Tensor) -> Tensor:
        return self.fc(F.relu(adj @ (x @ self.weight)))


@accepts("10x12", "long 2x24")
class EdgeGcn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(12, 8)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        source, target = edge_index
        h = self.lin(x)
        return torch.zeros_like(h).index_add(0, target, h[source])


@accepts("long 2", "long 2")
class MatrixFactorisation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(100, 8), nn.Embedding(200, 8)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        return (self.users(user) * self.items(item)).sum(-1).view(user.shape[0])


@accepts("2x4")
class Policy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.affine = nn.Linear(4, 128)
        self.action, self.value = nn.Linear(128, 2), nn.Linear(128, 1)

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.affine(state))
        return F.softmax(self.action(x), dim=-1), self.value(x)


@accepts("2x4x84x84")
class AtariDqn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3, 1), nn.ReLU()
        )
        self.fc = nn.Sequential(nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 6))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).reshape(x.shape[0], -1))


@accepts("2x4", "2x2")
class Critic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.s, self.a = nn.Linear(4, 16), nn.Linear(2, 16)
        self.q = nn.Linear(32, 1)

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        return self.q(F.relu(torch.cat([self.s(state), self.a(action)], 1)))


@accepts()
class ConcatCritic(nn.Module):
    def __init__(self, state_dim: int = 17, action_dim: int = 6) -> None:
        super().__init__()
        self.l1 = nn.Linear(state_dim + action_dim, 256)
        self.l2 = nn.Linear(256, 1)

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        return self.l2(F.relu(self.l1(torch.cat([state, action], 1))))


@accepts()
class OptionalNeeded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.cond = nn.Linear(6, 4), nn.Linear(3, 4)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        return self.fc(x) + self.cond(context)


@accepts()
class CustomLinear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(7, 11))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.t()


@accepts("2x3x32x32", values=True)
class DataDependent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y * 2 if y.mean().item() > 0 else y


@accepts()
class EmbeddingBagNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(100, 16)
        self.fc = nn.Linear(16, 4)

    def forward(self, text: Tensor, offsets: Tensor) -> Tensor:
        return self.fc(self.embedding(text, offsets))


@accepts()
class PointNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(3, 64, 1), nn.Conv1d(64, 256, 1)
        self.fc = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        n_pts = x.size()[2]
        x = self.conv2(F.relu(self.conv1(x)))
        return self.fc(F.max_pool1d(x, n_pts).squeeze(-1))


@accepts()
class Mixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 32, 8, 8)
        self.tokens = nn.Linear(64, 64)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return self.head(x.mean(1))


@accepts()
def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))


@pytest.mark.parametrize("name", CASES)
def test_inputs_are_found(name: str) -> None:
    case = CASES[name]
    found = search(case.build, case.values)
    assert isinstance(found, Inputs), [f"{t.inputs} {t.fault.text}" for t in found.tried[:12]]
    if case.expected is not None:
        assert found.texts == case.expected
    assert found.tries <= 40
    assert found.source.startswith("guessed from ")
    assert found.device == ("cpu" if case.values else "meta")


def test_the_source_names_the_layers() -> None:
    found = search(LeNet32, values=False)
    assert found.source == "guessed from Conv2d(in_channels=1) and fc1 (in_features=400)"
    assert search(Denoiser, values=False).source == "guessed from Conv2d(in_channels=3) and the name `t`"


def test_a_failed_search_tells_what_was_tried() -> None:
    class Impossible(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("no")

    found = search(Impossible, values=False)
    assert isinstance(found, NoInputs)
    assert found.own is None
    assert found.tried[0].inputs == ("2x3x32x32",)
    assert len(found.tried) <= MAX_TRIES


def test_a_missing_package_ends_the_search_at_once() -> None:
    class Needs(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            import a_package_that_is_not_installed

            return a_package_that_is_not_installed.run(x)

    assert len(search(Needs, values=False).tried) == 1


def test_a_layer_with_a_forward_of_its_own_has_no_contract_parametrised_or_not() -> None:
    class PaddedConv(nn.Conv1d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(F.pad(x, (18, 0)))

    weight_norm = nn.utils.parametrizations.weight_norm
    assert contract(PaddedConv(4, 4, 19)) is None
    assert contract(weight_norm(PaddedConv(4, 4, 19))) is None
    assert contract(weight_norm(nn.Conv1d(4, 4, 19))) == contract(nn.Conv1d(4, 4, 19)) is not None
