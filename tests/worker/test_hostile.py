"""Files that would do harm when they are imported or built, loaded as nnlint loads them: in a worker's child."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nnlint.examine.file import examine_file
from nnlint.load.load import load
from nnlint.script.read import read
from nnlint.settings import Settings
from nnlint.worker.worker import Worker, emit

NET = """
import ctypes, os, shutil, signal, socket, subprocess, sys, threading, time, urllib.request
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, value=3):
        super().__init__()
        {inside}
        self.fc = nn.Linear(3, 2)
    def forward(self, x):
        return self.fc(x)
"""

HARM = {
    "write": "open('made', 'w').write('x')",
    "append": "open(__file__, 'a').write('x')",
    "delete": "shutil.rmtree(os.getcwd())",
    "folder": "os.makedirs('runs/1')",
    "save": "torch.save({}, 'made.pth')",
    "socket": "socket.create_connection(('127.0.0.1', PORT), 2)",
    "download": "urllib.request.urlretrieve('http://127.0.0.1:PORT/x', 'made')",
    "hub": "torch.hub.download_url_to_file('http://127.0.0.1:PORT/x', 'made')",
    "weights": "torch.hub.load_state_dict_from_url('http://127.0.0.1:PORT/x')",
    "spawn": "subprocess.run(['touch', 'made'])",
    "system": "os.system('touch made')",
    "fork": "os.fork()",
    "kill": "os.kill(os.getppid(), 9)",
    "exit": "sys.exit(0)",
    "hard exit": "os._exit(0)",
    "quit": "quit()",
    "input": "input('?')",
    "alarm": "signal.alarm(1)",
    "thread": "threading.Thread(target=lambda: open('made', 'w')).start()",
    "flood": "[print('x' * 1000) for _ in range(20000)]",
    "recursion": "(lambda f: f(f))(lambda f: f(f))",
    "memory": "bytearray(100 << 30)",
    "tensor": "torch.ones(100 << 30).numpy()",
}


def names_of(path: str) -> tuple[list[str], list[str], tuple[str, ...]]:
    """Run in the child: what was found, what failed, what was said."""
    loaded = load(read(path))
    return [c.name for c in loaded.candidates], [f.message for f in loaded.failures], loaded.notes


def answer_of(path: str) -> tuple[str, list[tuple[str, str]]]:
    """Run in the child: what became of the one network of a file, and what is said about it."""
    report = examine_file(path, None, Settings(rules=("network-not-traced",), time_limit=5))
    (network,) = report.networks
    return network.status, [(finding.rule, finding.message) for finding in report.findings]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    here = str(Path(__file__).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", here)
        with Worker(seconds=30, memory=4 << 30) as started:
            yield started


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.1)
        yield server


def examine(worker: Worker, folder: Path, source: str, listening: socket.socket, function: str = "names_of") -> Any:
    """Load a script in a child; nothing may have changed in its folder, and nobody may have called."""
    script = folder / "script.py"
    text = textwrap.dedent(source).replace("PORT", str(listening.getsockname()[1]))
    script.write_text(text)
    code = f"__import__('os').chdir({str(folder)!r}) or __import__('test_hostile').{function}({str(script)!r})"
    outcome = worker.run("builtins:eval", code)
    assert [path.name for path in folder.iterdir()] == ["script.py"]
    assert script.read_text() == text
    with pytest.raises(TimeoutError):
        listening.accept()
    return outcome


@pytest.mark.parametrize("harm", HARM.values(), ids=list(HARM))
def test_at_import(worker: Worker, tmp_path: Path, listening: socket.socket, harm: str) -> None:
    """None of it runs, so the network is found and there is nothing to say."""
    source = NET.format(inside="pass") + f"{harm}\nif __name__ == '__main__':\n    {harm}\nmodel = Net()\n"
    outcome = examine(worker, tmp_path, source, listening)
    assert outcome.value == (["Net"], [], ())


@pytest.mark.parametrize("harm", HARM.values(), ids=list(HARM))
def test_in_the_constructor(worker: Worker, tmp_path: Path, listening: socket.socket, harm: str) -> None:
    """It does run: then it is refused or answered with nothing, and the file has an answer all the same."""
    outcome = examine(worker, tmp_path, NET.format(inside=harm) + "model = Net()\n", listening)
    assert outcome.kind == "value", outcome.detail
    found, failed, _ = outcome.value
    assert bool(found) != bool(failed)
    assert worker.run("math:sqrt", 4.0).ok


@pytest.mark.parametrize("harm", [*HARM.values(), "while True: pass"], ids=[*HARM, "loop"])
def test_in_the_forward(worker: Worker, tmp_path: Path, listening: socket.socket, harm: str) -> None:
    """It runs when the forward pass is recorded: the network has an answer, or the file has, and the next file too."""
    source = NET.format(inside="pass").replace("return self.fc(x)", harm + "; return self.fc(x)") + "model = Net()\n"
    outcome = examine(worker, tmp_path, source, listening, "answer_of")
    if outcome.kind == "value":
        status, findings = outcome.value
        assert status == "traced" or [rule for rule, _ in findings] == ["network-not-traced"]
        assert not any(
            ("nnlint does not" in said or "NotRunError" in said) and "--input" in said for _, said in findings
        )
    else:
        assert outcome.kind == "exit"
    assert worker.run("math:sqrt", 4.0).ok


@pytest.mark.parametrize("harm", [HARM["write"], HARM["download"], HARM["exit"], HARM["recursion"]])
def test_in_a_needed_argument(worker: Worker, tmp_path: Path, listening: socket.socket, harm: str) -> None:
    outcome = examine(worker, tmp_path, NET.format(inside="pass") + f"model = Net({harm})\n", listening)
    assert outcome.kind == "value", outcome.detail


def test_refusals_are_said_with_their_place(worker: Worker, tmp_path: Path, listening: socket.socket) -> None:
    outcome = examine(worker, tmp_path, NET.format(inside=HARM["write"]) + "model = Net()\n", listening)
    _, (failure,), (note,) = outcome.value
    assert "nnlint does not write made" in failure
    assert note == f"{tmp_path / 'script.py'}:9:9: refused to write made"


@pytest.mark.parametrize("harm", ["ctypes.string_at(0)", "os.abort()", "signal.raise_signal(signal.SIGKILL)"])
def test_a_crash_in_the_constructor(worker: Worker, tmp_path: Path, listening: socket.socket, harm: str) -> None:
    outcome = examine(worker, tmp_path, NET.format(inside=harm) + "model = Net()\n", listening)
    assert outcome.kind in ("crash", "value")
    assert outcome.kind == "crash" or outcome.value[1]
    assert worker.run("math:sqrt", 4.0).ok


def test_an_endless_loop_in_c_is_ended_by_the_worker(
    worker: Worker, tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "seconds", 2.0)
    harm = "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 30)); threading.Event().wait(100)"
    outcome = examine(worker, tmp_path, NET.format(inside=harm) + "model = Net()\n", listening)
    assert outcome.kind == "timeout"


def test_training_files_do_not_train(worker: Worker, tmp_path: Path, listening: socket.socket) -> None:
    source = (
        NET.format(inside="pass")
        + """
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(4, 3), torch.zeros(4, 2)))
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
steps = 0
for epoch in range(2):
    for x, y in data:
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        steps += 1
        print('trained')
second = Net(steps)
"""
    )
    outcome = examine(worker, tmp_path, source, listening)
    assert outcome.value[0] == ["Net"]
    assert "trained" not in outcome.output


def test_emit_outside_of_a_child_does_nothing() -> None:
    assert emit({"partial": 1}) is None


COLD = """
import sys, resource
import torch
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
known = set(sys.modules)
from nnlint.examine.file import examine_file
from nnlint.load.load import load
from nnlint.script.read import read
from nnlint.settings import Settings
loaded = load(read(sys.argv[1]))
assert [c.name for c in loaded.candidates] == ["Net"], loaded
heavy = {"sympy", "torch._dynamo", "torch._inductor", "torch.fx.experimental.symbolic_shapes"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_building_imports_no_compiler_and_takes_no_memory(tmp_path: Path) -> None:
    """Every sort of layer and initialiser, and weights of 40 GB."""
    script = tmp_path / "large.py"
    script.write_text(
        textwrap.dedent(
            """
            import torch
            from torch import nn
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layers = nn.Sequential(
                        nn.Linear(100_000, 100_000), nn.Conv2d(3, 64, 7), nn.BatchNorm2d(64), nn.LayerNorm(64),
                        nn.Embedding(1000, 64, padding_idx=0), nn.LSTM(8, 16, 2, bidirectional=True),
                        nn.MultiheadAttention(64, 8), nn.Transformer(64, 4, 2, 2, 128), nn.PReLU(),
                        nn.Bilinear(3, 4, 5), nn.GroupNorm(4, 64),
                        nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), nn.ConvTranspose2d(3, 4, 3),
                    )
                    self.table = nn.Parameter(torch.randn(1, 197, 768) * 0.02)
                    self.register_buffer("mask", torch.tril(torch.ones(1024, 1024)).view(1, 1, 1024, 1024))
                    self.rates = [r.item() for r in torch.linspace(0, 0.1, 5)]
                    for module in self.modules():
                        if isinstance(module, nn.Linear):
                            nn.init.trunc_normal_(module.weight, std=0.02)
                            nn.init.zeros_(module.bias)
                        elif isinstance(module, nn.Conv2d):
                            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                            nn.init.orthogonal_(module.weight)
                            module.weight.data.normal_(0, 0.1).clamp_(-1, 1)
                            module.weight.data.mul_(0.5)
                            module.bias.data[:2] = 1
                    self.layers[0].weight.data = self.layers[0].weight.data / 3
                    self.half()
            model = Net()
            """
        )
    )
    run = subprocess.run([sys.executable, "-c", COLD, str(script)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 120_000, "kilobytes beyond what importing torch takes"
