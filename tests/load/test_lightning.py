"""Lightning modules where Lightning is not installed."""

from __future__ import annotations

from typing import Any

import torch

from nnlint.load.lightning import LightningModule
from nnlint.load.standin import Origin, StandIn


class Model(LightningModule):
    def __init__(self, width: int, lr: float = 0.1, *_layers: int, bias: bool = True, **_others: Any) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["bias"])
        self.layer = torch.nn.Linear(width, self.hparams.width, bias=bias)


def test_the_constructors_arguments_are_saved() -> None:
    model = Model(3, 0.2, 4, 5, bias=False, seed=7)
    assert model.hparams == {"width": 3, "lr": 0.2, "seed": 7}
    assert model.hparams["lr"] == model.hparams.lr


def test_only_the_arguments_it_names_are_saved() -> None:
    class Named(LightningModule):
        def __init__(self, width: int, depth: int) -> None:
            super().__init__()
            self.save_hyperparameters("depth")

    assert Named(3, 4).hparams == {"depth": 4}


def test_an_object_of_options_is_saved() -> None:
    class Given(LightningModule):
        def __init__(self, hparams: dict[str, int]) -> None:
            super().__init__()
            self.save_hyperparameters(hparams)

    assert Given({"width": 8}).hparams.width == 8


def test_what_a_trainer_would_do_does_nothing() -> None:
    model = Model(3)
    model.log("loss", 1.0, prog_bar=True)
    model.log_dict({"loss": 1.0})
    assert model.device == torch.device("cpu")


def test_a_class_whose_base_is_missing_is_a_network() -> None:
    base: Any = StandIn(Origin("import", "lightning", "is not installed"), "lightning.LightningModule")

    class Net(base):  # type: ignore[misc]
        pass

    assert issubclass(Net, torch.nn.Module)
