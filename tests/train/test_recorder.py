import math
from dataclasses import asdict
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from nnlint.train.checkpoint import load_last
from nnlint.train.log import RunFolder
from nnlint.train.recorder import Recorder
from nnlint.train.results import Epoch


def epoch(number, accuracy):
    return Epoch(number, 1.0, 1.0, {"accuracy": accuracy}, 0.1, 1.0, 0.1, 10)


def tied():
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 4, bias=False))
    net[2].weight = net[0].weight
    return net


def test_the_best_weights_are_those_of_their_epoch(tmp_path):
    net = tied()
    recorder = Recorder(RunFolder(tmp_path), net, "accuracy", 3, {})
    kept = {}
    for number, accuracy in ((1, 0.5), (2, 0.9), (3, 0.7)):
        with torch.no_grad():
            net[0].weight.fill_(number)
        kept[number] = net[0].weight.detach().clone()
        recorder.epoch(epoch(number, accuracy), lambda number=number: {"epoch": number, "net": net.state_dict()})
    assert torch.equal(load_file(tmp_path / "best.safetensors")["0.weight"], kept[2])


def test_tied_weights_are_stored_once(tmp_path):
    net = tied()
    recorder = Recorder(RunFolder(tmp_path), net, "accuracy", 1, {})
    recorder.epoch(epoch(1, 0.5), lambda: {"epoch": 1, "net": net.state_dict()})
    assert list(load_file(tmp_path / "best.safetensors")) == ["0.weight"]


class Scripted:
    """A training whose weights are the number of the epoch, and whose accuracies are given."""

    def __init__(self, folder, accuracies, resume=None):
        self.net, self.accuracies = tied(), accuracies
        self.recorder = Recorder(RunFolder(folder), self.net, "accuracy", 9, {}, resume)
        self.done = resume["epoch"] if resume else 0
        self.history = list(resume["history"]) if resume else []
        self.recorder.begin({}, 9, 1)

    def go(self, until, *, saves=()):
        """To an epoch, and a checkpoint after some."""
        for number in range(self.done + 1, until + 1):
            self.recorder.saved_at = -math.inf if number in saves else math.inf
            with torch.no_grad():
                self.net[0].weight.fill_(number)
            one = epoch(number, self.accuracies[number - 1])
            self.history.append(asdict(one))
            self.recorder.epoch(one, lambda number=number: self.state(number))
        return self

    def state(self, number):
        return {"epoch": number, "net": self.net.state_dict(), "history": list(self.history)}


def best(folder):
    with safe_open(folder / "best.safetensors", "pt") as file:
        return int(file.metadata()["epoch"]), file.get_tensor("0.weight")[0, 0].item()


@pytest.mark.parametrize("saves", [(2,), (3,), (1, 3)])
def test_the_best_weights_are_those_of_the_checkpoint_that_a_run_goes_on_from(tmp_path, saves):
    accuracies = [0.5, 0.6, 0.55, 0.9, 0.7]
    run = Scripted(tmp_path, accuracies).go(5, saves=saves)
    run.recorder.end(SimpleNamespace(ending="interrupted", epochs=(1,) * 5))
    assert best(tmp_path) == (4, 4.0)
    gone_on = Scripted(tmp_path, accuracies, load_last(tmp_path)[0])
    assert gone_on.done == saves[-1]
    assert best(tmp_path) == (2, 2.0)
    gone_on.go(3)
    gone_on.recorder.end(SimpleNamespace(ending="interrupted", epochs=(1,) * 3))
    assert best(tmp_path) == (2, 2.0)
    assert list(load_file(tmp_path / "best.safetensors")) == ["0.weight"]


def test_the_best_weights_survive_two_checkpoints(tmp_path):
    accuracies = [0.9, 0.5, 0.6, 0.95]
    Scripted(tmp_path, accuracies).go(2, saves=(1, 2))
    Scripted(tmp_path, accuracies, load_last(tmp_path)[0]).go(4, saves=(3,)).recorder.end(
        SimpleNamespace(ending="interrupted", epochs=(1,) * 4)
    )
    assert best(tmp_path) == (4, 4.0)
    Scripted(tmp_path, accuracies, load_last(tmp_path)[0])
    assert best(tmp_path) == (1, 1.0)
