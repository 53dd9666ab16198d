import torch
from safetensors.torch import load_file
from torch import nn

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
