"""What each setting of `--speed` is worth on a GPU, in images a second and memory; and that `--repro` repeats its bits.

``python tests/benchmarks/gpu.py [--device cpu] [--quick] [--rounds N]``. Without a GPU it says so; with ``--device cpu
--quick`` the same code runs on the CPU with tiny sizes, which shows that it runs and measures nothing.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from overhead import example
from tables import Row, table
from torch import Tensor, nn

from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data
from nnlint.train.loop import train
from nnlint.train.objective import objective_for
from nnlint.train.switches import kept, set_switch, set_tf32

WOULD = (
    "No CUDA GPU here. With one, this part measures images a second and peak memory of the reference network and of a "
    "ResNet-50 at 224×224: plain PyTorch, then cudnn.benchmark, TF32, bfloat16, channels last, a fused optimiser, "
    "resident data and torch.compile, one after the other; `nnlint train` with and without --speed; Lightning and timm "
    "where they are installed; and that --repro repeats its bits."
)
CLASSES = 10


@dataclass(frozen=True)
class Setting:
    """How a plain loop uses the hardware."""

    name: str
    benchmark: bool = False
    tf32: bool = False
    bf16: bool = False
    channels_last: bool = False
    fused: bool = False
    resident: bool = False
    compile: bool = False


@dataclass(frozen=True)
class Scale:
    """How large everything is, and where it runs."""

    device: torch.device
    resolution: int = 224
    batch: int = 128
    batches: int = 16
    quick: bool = False


@dataclass(frozen=True)
class Speed:
    """Images a second, and the most memory that tensors took (None on the CPU)."""

    images: float
    memory: int | None


def rows(rounds: int, device: str | None = None, *, quick: bool = False) -> Iterator[Row]:
    """The rows of each network; none, and a sentence, without a GPU."""
    if device is None and not torch.cuda.is_available():
        print(WOULD)
        return
    place = torch.device(device or "cuda")
    scale = Scale(place, 16, 4, 2, quick=True) if quick else Scale(place)
    if place.type == "cuda":
        print(f"{torch.cuda.get_device_name(place)}, torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}")
    width = 4 if quick else 64
    reference = example("reference_net").ReferenceNet
    networks: dict[str, Callable[[], nn.Module]] = {
        "reference network": lambda: reference(CLASSES, resolution=scale.resolution),
        "ResNet-50": lambda: resnet50(width),
    }
    for name, build in networks.items():
        yield from _network(name, build, scale, rounds)


def _network(name: str, build: Callable[[], nn.Module], scale: Scale, rounds: int) -> Iterator[Row]:
    data = made(scale)
    plain: Speed | None = None
    for setting in settings():
        speed = hand_written(build, data, setting, scale, rounds)
        plain = plain or speed
        yield _row(f"{name}: {setting.name}", speed, plain)
    assert plain is not None
    for mode in (("default", False), ("speed", False), *(() if scale.quick else (("speed", True),))):
        yield _row(f"{name}: nnlint train, {mode[0]}{', compiled' * mode[1]}", ours(build, data, *mode, scale), plain)
    for library, measure in (("lightning", lightning), ("timm", timm)):
        if importlib.util.find_spec(library) is not None:
            yield _row(f"{name}: {library}", measure(build, data, scale), plain)
    yield _repeated(name, build, data, scale)


def settings() -> Iterator[Setting]:
    """What `--speed` sets, one after the other, each on top of those before."""
    setting = Setting("plain PyTorch")
    yield setting
    for field in ("benchmark", "tf32", "bf16", "channels_last", "fused", "resident", "compile"):
        setting = replace(setting, name=f"+ {field.replace('_', ' ')}", **{field: True})
        yield setting


def _row(name: str, speed: Speed, plain: Speed) -> Row:
    memory = "" if speed.memory is None else f", {speed.memory / 2**20:.0f} MiB at most"
    note = f"{speed.images:.0f} images/s{memory}"
    return Row(f"{name} (time ÷ plain PyTorch)", plain.images / speed.images, None, note)


def made(scale: Scale) -> Data:
    """Random bytes: how fast a network learns does not depend on what."""
    generator = torch.Generator().manual_seed(0)
    count, size = scale.batch * scale.batches, scale.resolution
    images = torch.randint(256, (count, 3, size, size), dtype=torch.uint8, generator=generator)
    labels = torch.randint(CLASSES, (count,), generator=generator)
    few = Arrays(images[: scale.batch], labels[: scale.batch])
    half = torch.full((3,), 127.5)
    shape = (3, size, size)
    return Data(
        "noise", "random bytes", "classes", shape, CLASSES, Arrays(images, labels), few, mean=half, std=half / 2
    )


# --------------------------------------------------------------------------------------------- who is measured


def hand_written(build: Callable[[], nn.Module], data: Data, setting: Setting, scale: Scale, rounds: int) -> Speed:
    """A plain loop, as one writes it: the median of several passes over the data, after two to warm up."""
    with kept():
        set_switch("cudnn.benchmark", setting.benchmark)
        if setting.tf32:
            set_tf32(True)
        _clean(scale)
        layout = torch.channels_last if setting.channels_last else torch.contiguous_format
        net = build().to(scale.device, memory_format=layout)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=setting.fused)
        model = torch.compile(net, backend="eager" if scale.quick else "inductor") if setting.compile else net
        batches = _batches(data, setting, scale)
        seconds = []
        warm = 1 if scale.quick else 2
        for turn in range(rounds + warm):
            start = _clock(scale)
            for images, labels in batches():
                inputs = images.float().sub(127.5).div(64).to(memory_format=layout)
                with torch.autocast(scale.device.type, torch.bfloat16) if setting.bf16 else nullcontext():
                    loss = nn.functional.cross_entropy(model(inputs), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            if turn >= warm:
                seconds.append(_clock(scale) - start)
        return Speed(scale.batch * scale.batches / statistics.median(seconds), _peak(scale))


def _batches(data: Data, setting: Setting, scale: Scale) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    assert isinstance(data.train, Arrays)
    images, labels = data.train.inputs, data.train.targets
    pinned = scale.device.type == "cuda" and not setting.resident
    if setting.resident:
        images, labels = images.to(scale.device), labels.to(scale.device)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for part in torch.randperm(len(labels), device=images.device).split(scale.batch):
            batch = images[part], labels[part]
            if pinned:
                batch = batch[0].pin_memory(), batch[1].pin_memory()
            yield batch[0].to(scale.device, non_blocking=True), batch[1].to(scale.device, non_blocking=True)

    return batches


def ours(build: Callable[[], nn.Module], data: Data, mode: Any, compiled: bool, scale: Scale) -> Speed:
    """The trainer: the median of its epochs, without the first."""
    _clean(scale)
    trained = train(build(), data, objective_for(data, "scores", CLASSES), _config(scale, mode, compiled))
    assert trained.ending == "finished", trained.reason
    return Speed(scale.batch * scale.batches / trained.settled_seconds, trained.peak_bytes)


def _config(scale: Scale, mode: Any, compiled: bool = False) -> TrainConfig:
    epochs = 2 if scale.quick else 5
    return TrainConfig(epochs=epochs, batch_size=scale.batch, mode=mode, device=str(scale.device), compile=compiled)


def _repeated(name: str, build: Callable[[], nn.Module], data: Data, scale: Scale) -> Row:
    """How many of the two digests of a second `--repro` run differ from the first's: none may."""
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        runs.append(train(build(), data, objective_for(data, "scores", CLASSES), _config(scale, "repro")))
        assert runs[-1].ending == "finished", runs[-1].reason
    differing = sum(
        getattr(runs[0], digest) != getattr(runs[1], digest) for digest in ("losses_digest", "state_digest")
    )
    seconds = ", ".join(f"{run.settled_seconds:.3f}" for run in runs)
    return Row(f"{name}: --repro twice, digests that differ", differing, 0, f"{seconds} s an epoch")


def lightning(build: Callable[[], nn.Module], data: Data, scale: Scale) -> Speed:
    """Lightning's trainer with bfloat16, without logging, checkpoints and progress."""
    import lightning as L  # noqa: N812

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = build()
            self.seconds: list[float] = []

        def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
            images, labels = batch
            return nn.functional.cross_entropy(self.net(images.float().sub(127.5).div(64)), labels)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

        def on_train_epoch_start(self) -> None:
            self.start = _clock(scale)

        def on_train_epoch_end(self) -> None:
            self.seconds.append(_clock(scale) - self.start)

    _clean(scale)
    trainer = L.Trainer(
        accelerator="gpu" if scale.device.type == "cuda" else "cpu",
        devices=1,
        max_epochs=2 if scale.quick else 5,
        precision="bf16-mixed",
        benchmark=True,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = Module()
    trainer.fit(module, _loader(data, scale))
    return Speed(scale.batch * scale.batches / statistics.median(module.seconds[1:]), _peak(scale))


def timm(build: Callable[[], nn.Module], data: Data, scale: Scale) -> Speed:
    """The step of timm's training script: its optimiser, bfloat16 autocast, channels last."""
    from timm.optim import create_optimizer_v2

    with kept():
        set_switch("cudnn.benchmark", True)
        _clean(scale)
        net = build().to(scale.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = create_optimizer_v2(net, opt="adamw", lr=1e-3)
        seconds = []
        for _ in range(2 if scale.quick else 5):
            start = _clock(scale)
            for images, labels in _loader(data, scale):
                inputs = images.to(scale.device, non_blocking=True).float().sub(127.5).div(64)
                with torch.autocast(scale.device.type, torch.bfloat16):
                    scores = net(inputs.contiguous(memory_format=torch.channels_last))
                    loss = nn.functional.cross_entropy(scores, labels.to(scale.device, non_blocking=True))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            seconds.append(_clock(scale) - start)
        return Speed(scale.batch * scale.batches / statistics.median(seconds[1:]), _peak(scale))


def _loader(data: Data, scale: Scale) -> torch.utils.data.DataLoader[Any]:
    assert isinstance(data.train, Arrays)
    pairs = torch.utils.data.TensorDataset(data.train.inputs, data.train.targets)
    return torch.utils.data.DataLoader(
        pairs,
        batch_size=scale.batch,
        shuffle=True,
        num_workers=0 if scale.quick else 8,
        pin_memory=scale.device.type == "cuda",
        persistent_workers=not scale.quick,
    )


def _clock(scale: Scale) -> float:
    if scale.device.type == "cuda":
        torch.cuda.synchronize(scale.device)
    return time.perf_counter()


def _clean(scale: Scale) -> None:
    """Nothing of the measurement before is left in memory."""
    gc.collect()
    torch.compiler.reset()
    if scale.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(scale.device)


def _peak(scale: Scale) -> int | None:
    return torch.cuda.max_memory_allocated(scale.device) if scale.device.type == "cuda" else None


# ------------------------------------------------------------------------------------------------ the ResNet-50


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 around a shortcut (He et al. 2015, arXiv:1512.03385, figure 5; the stride in the 3×3)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.branch = nn.Sequential(
            *_convolution(inputs, width, 1),
            nn.ReLU(inplace=True),
            *_convolution(width, width, 3, stride),
            nn.ReLU(inplace=True),
            *_convolution(width, outputs, 1),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*_convolution(inputs, outputs, 1, stride))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, 4 · width, H / stride, W / stride)."""
        return self.relu(self.branch(x) + self.shortcut(x))


def resnet50(width: int = 64) -> nn.Module:
    """ResNet-50: 3, 4, 6 and 3 bottlenecks of width 64 to 512; 25.6 million parameters at 1000 classes."""
    blocks: list[nn.Module] = []
    inputs = width
    for stage, count in enumerate((3, 4, 6, 3)):
        for block in range(count):
            blocks.append(Bottleneck(inputs, width << stage, 2 if stage and not block else 1))
            inputs = 4 * (width << stage)
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))
    stem = (*_convolution(3, width, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1))
    return nn.Sequential(*stem, *blocks, *head)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default=None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found = list(rows(options.rounds, options.device, quick=options.quick))
    if found:
        print(table(found))


if __name__ == "__main__":
    main()
