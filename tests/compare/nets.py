"""Small networks as files, for vectors of 30 numbers (breast-cancer)."""

from pathlib import Path

from nnlint.adapt.model import DataChoice, NetworkSource
from nnlint.compare.plan import Plan
from nnlint.train.config import TrainConfig

_HEAD = "import os\nimport torch\nfrom torch import nn\n\n\n"

PLAIN = (
    _HEAD
    + """class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(30, 16)
        self.norm = nn.BatchNorm1d(16)
        self.drop = nn.Dropout(0.2)
        self.second = nn.Linear(16, 2)

    def forward(self, x):
        return self.second(self.drop(torch.relu(self.norm(self.first(x)))))
"""
)
#: builds something first that draws random numbers, so that its own weights would be others
NET = (
    _HEAD
    + """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.rand(5)
        self.first = nn.Linear(30, 16, bias=False)
        self.norm = nn.BatchNorm1d(16)
        self.second = nn.Linear(16, 2)

    def forward(self, x):
        return self.second(torch.relu(self.norm(self.first(x))))
"""
)
#: ends its process in the third step of training
DEADLY = NET.replace("class Net", "class Deadly").replace(
    "    def forward(self, x):\n",
    "    steps = 0\n\n    def forward(self, x):\n        if self.training and len(x) == 128:\n"
    "            self.steps += 1\n            if self.steps == 3:\n                os.kill(os.getpid(), 9)\n",
)
#: its numbers grow beyond what floats hold
DIVERGING = NET.replace("class Net", "class Diverging").replace(
    "        return self.second(torch.relu(self.norm(self.first(x))))",
    "        x = self.second(torch.relu(self.norm(self.first(x))))\n"
    "        return x * float('inf') if self.training and len(x) == 128 else x",
)


def write(folder: Path, source: str) -> str:
    """The target of a network in a file of its own."""
    name = source.split("class ")[1].split("(", maxsplit=1)[0]
    file = folder / f"{name.lower()}.py"
    file.write_text(source)
    return f"{file}:{name}"


def plan_of(folder: Path, *sources: str, config: TrainConfig | None = None) -> Plan:
    targets = [write(folder, source) for source in sources]
    config = config or TrainConfig(epochs=1, batch_size=128, device="cpu", threads=1)
    return Plan(tuple(NetworkSource(target) for target in targets), DataChoice("breast-cancer"), config)
