"""``nnlint train`` as it is typed, in this process."""

import builtins
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from nnlint.__main__ import main
from nnlint.cli.telling import FEW_STEPS, outcome
from nnlint.cli.training import run_name
from nnlint.errors import NnlintError
from nnlint.train.results import Trained

EXAMPLES = Path(__file__).parents[2] / "examples"
REFERENCE, TABULAR = str(EXAMPLES / "reference_net.py"), str(EXAMPLES / "tabular_net.py")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)


def train(capsys, *arguments):
    code = main(["train", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def summary(folder):
    return json.loads((Path(folder) / "summary.json").read_text(encoding="utf-8"))


def test_the_reference_network_on_digits(capsys):
    code, out, err = train(capsys, REFERENCE, "--epochs", 4, "--repro")
    assert (code, err) == (0, "")
    assert "ReferenceNet: 65,834 parameters" in out
    assert "resolution=16, channels=1 for the data" in out
    assert "loss: cross_entropy, as its file states" in out
    assert "always answering the commonest class of the training data: accuracy 10.0 %" in out
    assert [line.split()[0] for line in out.splitlines() if "/4 " in line] == ["1/4", "2/4", "3/4", "4/4"]
    folder = Path("runs/reference_net-1")
    result = summary(folder)
    assert result["ending"] == "finished"
    assert result["results"]["judged_on"] == "test"
    assert result["results"]["final"]["accuracy"] > 0.95
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 4
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 3
    assert "http://" not in page.replace("http://www.w3.org", "")
    weights = load_file(folder / "last.safetensors")
    assert weights["classifier.weight"].shape == (10, 64, 1, 1)


@pytest.mark.parametrize(
    ("data", "loss", "metric", "least"),
    [
        ("breast-cancer", "binary_cross_entropy_with_logits", "accuracy", 0.9),
        ("diabetes", "mse_loss", "r2", 0.25),
    ],
)
def test_a_network_for_tables(capsys, data, loss, metric, least):
    code, out, _ = train(capsys, TABULAR, "--data", data, "--out", "here")
    assert code == 0
    assert f"loss: {loss}" in out
    found = summary("here")["results"]
    assert found["metric"] == metric
    assert found["final"][metric] > max(least, found["baseline"])


def test_the_files_own_training_does_not_run(capsys, tmp_path):
    Path("own.py").write_text(
        "import argparse, torch\n"
        "from torch import nn\n"
        "parser = argparse.ArgumentParser(); parser.add_argument('--classes', type=int, required=True)\n"
        "args = parser.parse_args()\n"
        "print('training at import'); open('written.txt', 'w').write('x')\n"
        "net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),\n"
        "                    nn.Linear(32, args.classes))\n"
        "for epoch in range(10 ** 9):\n"
        "    pass\n"
    )
    code, out, _ = train(capsys, "own.py", "--epochs", 1)
    assert code == 0
    assert "training at import" not in out
    assert not Path("written.txt").exists()


def test_the_seed_decides_everything(capsys):
    digests = []
    for number, seed in enumerate((0, 0, 1)):
        folder = f"run-{number}"
        train(capsys, TABULAR, "--data", "breast-cancer", "--epochs", 2, "--repro", "--seed", seed, "--out", folder)
        digests.append(summary(folder)["results"]["state_digest"])
    assert digests[0] == digests[1] != digests[2]


def test_without_a_gpu_it_says_what_it_would_do(capsys):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    code, out, _ = train(capsys, TABULAR, "--data", "breast-cancer", "--epochs", 1, "--speed")
    assert code == 0
    assert "No CUDA GPU here: with one, --speed would" in out


def test_quiet_prints_the_result_alone(capsys):
    code, out, _ = train(capsys, TABULAR, "--data", "breast-cancer", "--epochs", 2, "--quiet")
    assert code == 0
    assert out.strip().startswith("test: accuracy")
    assert "1/2" not in out


def test_augmentation_label_smoothing_and_clipping_are_said(capsys):
    asked = ["--augment", "shift", "--augment", "flip", "--label-smoothing", 0.1, "--clip", 1]
    code, out, _ = train(capsys, REFERENCE, "--epochs", 1, *asked)
    assert code == 0
    assert "label smoothing 0.1, shift at random, flip at random, gradients clipped to 1" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--speed", "--repro"], "--speed --repro: the fastest kernels are not those that repeat"),
        (["--clip", "0"], "--clip"),
        (["--seed", str(2**63)], "--seed"),
        (["--size", "big"], "--size: 'big' is no size"),
        (["--augment", "rotate"], "--augment: there is no 'rotate'"),
        (["--loss", "hinge"], "--loss: there is no loss 'hinge' here"),
        (["--data", "digitz"], "digits"),
        (["--data", "diabetes"], "it takes images, and the data are vectors"),
        (["--device", "tpu"], "--device: there is no device tpu"),
        (["--resume"], "--resume: no run"),
        (["--resume", "--out", "nowhere"], "--resume: nowhere does not exist"),
    ],
)
def test_a_wrong_use_is_explained(capsys, arguments, said):
    code, out, err = train(capsys, REFERENCE, "--epochs", 1, *arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in out + err


def test_the_bar_goes_whatever_ends_the_training(capsys, monkeypatch):
    def full(*_):
        raise NnlintError("the disk is full")

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("nnlint.train.recorder.save", full)
    code, _, err = train(capsys, TABULAR, "--data", "diabetes", "--epochs", 1)
    assert code == 2
    assert "the disk is full" in err
    hidden, shown = (err.rfind(f"\x1b[?25{letter}") for letter in "lh")
    assert 0 <= hidden < shown


@pytest.mark.parametrize("target", ["net.py", "a/net.py:Net(3)", "a.b.net:Net(0.5)", "./a.b/net.py:Net", "net:make"])
def test_runs_are_called_after_the_file(target):
    assert run_name(target) == "net"


def test_only_images_are_augmented(capsys):
    code, _, err = train(capsys, TABULAR, "--data", "breast-cancer", "--augment", "flip")
    assert code == 2
    assert "only images can be shifted or flipped" in err


def test_a_network_of_vectors_on_images(capsys):
    code, out, err = train(capsys, TABULAR, "--epochs", 5, "--out", "here")
    assert (code, err) == (0, "")
    assert "features=64, outputs=10 for the data" in out
    assert "digits is shown as vectors of 64 numbers" in out
    assert summary("here")["results"]["final"]["accuracy"] > 0.85
    with safe_open("here/last.safetensors", framework="pt") as weights:
        facts = {key: json.loads(value) for key, value in weights.metadata().items() if key in ("view", "shape")}
    assert facts == {"view": {"channels": 1, "size": [8, 8], "flat": True}, "shape": [64]}
    code, _, err = train(capsys, TABULAR, "--augment", "flip")
    assert code == 2
    assert "only images can be shifted or flipped, and TabularNet takes vectors" in err


def test_a_folder_that_holds_a_run_is_left_alone(capsys):
    asked = [TABULAR, "--data", "breast-cancer", "--epochs", 1, "--out", "here"]
    train(capsys, *asked)
    before = Path("here/metrics.jsonl").read_bytes()
    code, _, err = train(capsys, *asked)
    assert code == 2
    assert "holds a run already" in err
    assert Path("here/metrics.jsonl").read_bytes() == before


def test_a_loss_that_is_no_number_ends_it_with_one(capsys):
    code, _, err = train(
        capsys, TABULAR, "--data", "breast-cancer", "--lr", 1e30, "--optimizer", "sgd", "--out", "here"
    )
    assert code == 1
    assert "diverged: the loss of step" in err
    assert summary("here")["ending"] == "diverged"
    assert Path("here/report.html").exists()


def test_a_first_loss_that_is_too_large_is_said(capsys):
    Path("loud.py").write_text(
        "from torch import nn\n\n"
        "class Loud(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.flat, self.head = nn.Flatten(), nn.Linear(64, 10)\n"
        "        nn.init.normal_(self.head.weight, std=5)\n"
        "    def forward(self, x):\n"
        "        return self.head(self.flat(x))\n"
    )
    _, out, _ = train(capsys, "loud.py", "--size", 8, "--epochs", 1)
    assert "its first scores are too large" in out


def test_arrays_of_ones_own(capsys):
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    rows = rng.normal(size=(120, 5)).astype(np.float32)
    rows[:, 0] += 6 * labels
    np.savez("own.npz", x=rows, y=labels)
    code, _, _ = train(capsys, TABULAR, "--data", "own.npz", "--epochs", 30, "--out", "here")
    assert code == 0
    assert summary("here")["results"]["final"]["accuracy"] > 0.8


def test_help_does_not_wait_for_torch():
    code = "import sys; from nnlint.__main__ import main; main(['train', '--help']); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--data" in done.stdout


def test_a_network_that_learns_nothing_is_told(capsys):
    code, out, _ = train(capsys, TABULAR, "--data", "diabetes", "--lr", 0, "--epochs", 12, "--out", "here")
    assert code == 0
    assert summary("here")["results"]["steps"] >= FEW_STEPS
    assert "always answering the mean of the training data: r2 0.000" in out
    assert ("it has learnt nothing (is --lr too high or too low for it?)" in out) == (
        summary("here")["results"]["final"]["r2"] <= -3.46e-05
    )


@pytest.mark.parametrize(("steps", "said"), [(1, "after 1 step, too few"), (49, "after 49 steps, too few")])
def test_few_steps_say_nothing_of_the_rate(tmp_path, steps, said):
    text = "\n".join(outcome(ran(steps), tmp_path))
    assert said in text
    assert "give more --epochs" in text
    assert "--lr" not in text
    assert "--epochs" not in "\n".join(outcome(ran(50), tmp_path))


def ran(steps):
    final = {"accuracy": 0.1}
    return Trained("finished", (), "accuracy", final, "test", 0, 2.3, 2.3, 0.1, steps, "", "", 1.0, 1.0)


def test_how_many_samples_there_are_is_said(capsys):
    code, out, _ = train(capsys, TABULAR, "--data", "diabetes", "--epochs", 1, "--out", "here")
    assert code == 0
    said = "  309 training, 44 validation, 89 test samples"
    assert said in out.splitlines()
    assert said.strip() in Path("here/report.html").read_text(encoding="utf-8")


def test_a_call_that_the_data_overrule_is_not_what_is_written_down(capsys):
    code, out, _ = train(capsys, f"{REFERENCE}:ReferenceNet(classes=5)", "--epochs", 1, "--out", "here")
    assert code == 0
    assert "classes=10 for the data, in place of the 5 that was asked for" in out
    assert summary("here")["network"]["target"] == f"{REFERENCE}:ReferenceNet(classes=10)"


def test_a_loader_of_ones_own_decides_the_batch_size(capsys):
    Path("own_data.py").write_text(
        "import torch\n"
        "from torch.utils.data import DataLoader, TensorDataset\n\n"
        "def loaders():\n"
        "    x, y = torch.randn(60, 5), torch.arange(60) % 2\n"
        "    make = lambda part: DataLoader(TensorDataset(x[part], y[part]), batch_size=10, shuffle=True)\n"
        "    return make(slice(0, 40)), make(slice(40, 60))\n"
    )
    code, out, _ = train(capsys, TABULAR, "--data", "own_data.py:loaders", "--epochs", 1, "--out", "here")
    assert code == 0
    assert "batch 10, 1 epoch, seed 0" in out
    found = summary("here")
    assert (found["config"]["batch_size"], found["results"]["steps"]) == (10, 4)


@pytest.mark.parametrize(
    ("end", "loss", "twice"),
    [
        (
            "nn.Linear(30, 1), nn.Sigmoid()",
            "BCEWithLogitsLoss",
            "its last layer is a sigmoid, which this loss applies again",
        ),
        (
            "nn.Linear(30, 2), nn.Softmax(1)",
            "CrossEntropyLoss",
            "its last layer is a softmax, which this loss applies again",
        ),
        ("nn.Linear(30, 1), nn.Sigmoid()", "BCELoss", ""),
        ("nn.Linear(30, 2)", "CrossEntropyLoss", ""),
    ],
)
def test_a_head_that_its_loss_applies_again_is_told(capsys, end, loss, twice):
    Path("net.py").write_text(
        f"from torch import nn\nnet = nn.Sequential({end})\nloss = nn.{loss}()\n"
        "def step(x, y):\n    loss(net(x), y).backward()\n"
    )
    code, out, _ = train(capsys, "net.py", "--data", "breast-cancer", "--epochs", 1, "--out", "here")
    assert code == 0
    assert twice in out
    assert ("applies again" in out) == bool(twice)


def test_a_batch_sampler_decides_the_batch_size_too(capsys):
    Path("own_data.py").write_text(
        "import torch\n"
        "from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset\n\n"
        "def loaders():\n"
        "    data = TensorDataset(torch.randn(60, 5), torch.arange(60) % 2)\n"
        "    train = DataLoader(data, batch_sampler=BatchSampler(RandomSampler(data), 12, True))\n"
        "    return train, DataLoader(data, batch_size=10)\n"
    )
    code, out, _ = train(capsys, TABULAR, "--data", "own_data.py:loaders", "--epochs", 1, "--out", "here")
    assert code == 0
    assert "batch 12, 1 epoch, seed 0" in out
    assert summary("here")["results"]["steps"] == 5


def test_a_run_that_cannot_begin_leaves_no_folder(capsys):
    Path("own_data.py").write_text(
        "import torch\n"
        "from torch.utils.data import DataLoader, IterableDataset\n\n"
        "class Rows(IterableDataset):\n"
        "    def __iter__(self):\n"
        "        return iter([(torch.randn(5), i % 2) for i in range(60)])\n\n"
        "def loaders():\n"
        "    return DataLoader(Rows(), batch_size=10), DataLoader(Rows(), batch_size=10)\n"
    )
    code, _, err = train(capsys, TABULAR, "--data", "own_data.py:loaders", "--epochs", 1)
    assert code == 2
    assert "does not say how many batches it has" in err
    assert not list(Path().glob("runs/*"))
    Path("runs/tabular_net-7").mkdir(parents=True)  # what a killed one may leave
    code, _, err = train(capsys, TABULAR, "--resume")
    assert code == 2
    assert "no run runs/tabular_net-… is here to go on with" in err


def test_ctrl_c_waits_for_what_torch_imports(monkeypatch):
    from nnlint.cli import training

    real, imported = builtins.__import__, []

    def interrupted(name, *more):
        if name == "torch._dynamo":
            signal.raise_signal(signal.SIGINT)
            imported.append(name)
        return real(name, *more)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training._load_whole()
    assert imported == ["torch._dynamo"]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_weights_say_how_the_network_was_shown_the_images(capsys):
    train(capsys, REFERENCE, "--epochs", 1, "--out", "here")
    with safe_open("here/last.safetensors", framework="pt") as file:
        said = {name: json.loads(text) for name, text in file.metadata().items() if name in ("view", "mean", "shape")}
    assert said["view"]["size"] == [16, 16]
    assert said["shape"] == [1, 16, 16]
    assert len(said["mean"]) == 1
