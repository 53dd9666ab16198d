"""`TrainConfig`: every knob of a training, with the values that are good for most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OptimizerName = Literal["adamw", "sgd", "adadelta"]
Schedule = Literal["one-cycle", "constant"]
#: how to use the hardware: as torch does by default, as fast as it goes, or so that a run can be repeated bit for bit
Mode = Literal["default", "speed", "repro"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What a training is asked for. Two trainings with the same one, data, network and machine differ in nothing.

    Attributes:
        epochs: passes over the training data.
        batch_size: samples a step, over all processes together.
        optimizer: AdamW; SGD with Nesterov momentum; or Adadelta, which needs no tuning.
        lr: its (highest) learning rate; None: what is usual for it.
        weight_decay: decoupled for AdamW; None: what is usual. Norms and biases are never decayed.
        schedule: the learning rate warms up and falls to zero (one cycle), or stays; None: one cycle, except for
            Adadelta, whose steps adapt themselves.
        label_smoothing: of cross-entropy.
        augment: random changes of the training images: ``shift``, ``flip``.
        clip: the norm that gradients are clipped to; None: not clipped.
        seed: decides the first weights, the order of the samples, dropout and augmentation.
        mode: see `Mode`.
        device: ``cpu``, ``cuda``, ``mps``; None: a GPU if there is one.
        threads: of torch on the CPU; None: torch's choice (1 with ``repro``: another number gives other bits).
        workers: processes that load data, where data are loaded (arrays in memory need none).
        compile: whether the network goes through `torch.compile`.
        sync_batch_norm: whether batch norm sees the samples of all processes (several processes only).
    """

    epochs: int = 20
    batch_size: int = 64
    optimizer: OptimizerName = "adamw"
    lr: float | None = None
    weight_decay: float | None = None
    schedule: Schedule | None = None
    label_smoothing: float = 0.0
    augment: tuple[str, ...] = ()
    clip: float | None = None
    seed: int = 0
    mode: Mode = "default"
    device: str | None = None
    threads: int | None = None
    workers: int = 0
    compile: bool = False
    sync_batch_norm: bool = False

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return {"adamw": 3e-3, "sgd": 0.1, "adadelta": 1.0}[self.optimizer] if self.lr is None else self.lr

    @property
    def decay(self) -> float:
        """The weight decay that is used."""
        usual = {"adamw": 1e-2, "sgd": 5e-4, "adadelta": 0.0}[self.optimizer]
        return usual if self.weight_decay is None else self.weight_decay

    @property
    def course(self) -> Schedule:
        """The schedule that is used."""
        return self.schedule or ("constant" if self.optimizer == "adadelta" else "one-cycle")
