"""Every knob of the project in one place."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ModelConfig:
    """The size of the network."""

    channels: int = 3
    classes: int = 100
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: int = 2
    dropout: float = 0.2


@dataclass(frozen=True)
class TrainConfig:
    """How it is trained."""

    batch_size: int = 12
    epochs: int = 40
    lr: float = 3e-4
    weight_decay: float = 0.01


@dataclass(frozen=True)
class Config:
    """Both."""

    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
