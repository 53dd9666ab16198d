"""One file examined: its networks, the inputs they get, and what is said when a forward pass fails."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlint.examine.file import examine_file
from nnlint.finding import Finding
from nnlint.report.model import FileReport
from nnlint.settings import Settings

RUN_RULES = ("shape-mismatch", "network-not-traced", "network-not-built", "import-failed")
HEAD = """\
import torch
import torch.nn.functional as F
from torch import nn
"""

Examine = Callable[..., FileReport]

pytestmark = pytest.mark.usefixtures("unchanged_process")


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    """Examines a source, with torch's names imported before it."""

    def go(source: str, name: str | None = None, **settings: object) -> FileReport:
        path = tmp_path / "net.py"
        path.write_text(HEAD + textwrap.dedent(source))
        chosen: dict[str, object] = {"rules": RUN_RULES, **settings}
        return examine_file(str(path), name, Settings(**chosen))  # type: ignore[arg-type]

    return go


def text_at(finding: Finding) -> str:
    """The source a finding points at."""
    assert finding.site is not None
    line = Path(finding.site.file).read_text().splitlines()[finding.site.line - 1]
    return line[finding.site.column - 1 : finding.site.end_column - 1]


MISMATCHES = {
    "linear": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 16, 5)
                self.fc = nn.Linear(400, 10)
            def forward(self, x):
                return self.fc(F.max_pool2d(self.conv(x), 7).flatten(1))
        """,
        "2x3x32x32",
        "nn.Linear(400, 10)",
        {"got": 256, "expected": 400, "argument": "in_features", "fits": 256},
    ),
    "conv": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.Sequential(nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(16, 32, 3))
            def forward(self, x):
                return self.body(x)
        """,
        "2x3x32x32",
        "nn.Conv2d(16, 32, 3)",
        {"got": 24, "expected": 16, "argument": "in_channels", "fits": 24},
    ),
    "transposed conv": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.down = nn.Conv2d(3, 8, 3)
                self.up = nn.ConvTranspose2d(16, 3, 3)
            def forward(self, x):
                return self.up(self.down(x))
        """,
        "2x3x32x32",
        "nn.ConvTranspose2d(16, 3, 3)",
        {"got": 8, "expected": 16, "argument": "in_channels", "fits": 8},
    ),
    "batch norm": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 3)
                self.norm = nn.BatchNorm2d(6)
            def forward(self, x):
                return self.norm(self.conv(x))
        """,
        "2x3x32x32",
        "nn.BatchNorm2d(6)",
        {"got": 8, "expected": 6, "argument": "num_features", "fits": 8},
    ),
    "layer norm": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(7, 8)
                self.norm = nn.LayerNorm(9)
            def forward(self, x):
                return self.norm(self.fc(x))
        """,
        "2x7",
        "nn.LayerNorm(9)",
        {"got": 8, "expected": 9, "argument": "normalized_shape", "fits": 8},
    ),
    "recurrent": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Embedding(50, 12)
                self.rnn = nn.GRU(16, 32, batch_first=True)
            def forward(self, x):
                return self.rnn(self.embed(x))[0]
        """,
        "(2, 9), dtype=torch.long",
        "nn.GRU(16, 32, batch_first=True)",
        {"got": 12, "expected": 16, "argument": "input_size", "fits": 12},
    ),
    "add": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Linear(7, 8), nn.Linear(7, 9)
            def forward(self, x):
                return self.a(x) + self.b(x)
        """,
        "2x7",
        "self.a(x) + self.b(x)",
        {"got": 8, "expected": 9},
    ),
    "cat": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3, padding=1)
            def forward(self, x):
                return torch.cat([self.a(x), self.b(x)], 1)
        """,
        "2x3x16x16",
        "torch.cat([self.a(x), self.b(x)], 1)",
        {"got": 14, "expected": 16},
    ),
    "matmul": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Linear(7, 8)
                self.w = nn.Parameter(torch.zeros(9, 3))
            def forward(self, x):
                return self.a(x) @ self.w
        """,
        "2x7",
        "self.a(x) @ self.w",
        {"got": 8, "expected": 9},
    ),
    "view": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)
                self.fc = nn.Linear(100, 2)
            def forward(self, x):
                return self.fc(self.conv(x).view(-1, 100))
        """,
        "2x3x16x16",
        "self.conv(x).view(-1, 100)",
        {"expected": 100},
    ),
    "kernel larger than the map": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Conv2d(3, 4, 3, stride=4), nn.Conv2d(4, 4, 7)
            def forward(self, x):
                return self.b(self.a(x))
        """,
        "2x3x16x16",
        "nn.Conv2d(4, 4, 7)",
        {"got": 4, "expected": 7},
    ),
}


@pytest.mark.parametrize("case", MISMATCHES)
def test_a_mismatch_is_told_with_its_line_and_its_numbers(examine: Examine, case: str) -> None:
    source, shape, place, facts = MISMATCHES[case]
    size = shape if shape.startswith("(") else f"({', '.join(shape.split('x'))})"
    report = examine(textwrap.dedent(source) + f"\nnet = Net()\nnet(torch.ones({size}))\n")
    (finding,) = report.findings
    assert (finding.rule, finding.level) == ("shape-mismatch", "error")
    assert text_at(finding) == place
    assert facts.items() <= finding.facts.items()
    assert finding.network == "Net"
    (network,) = report.networks
    assert network.status == "built"
    assert network.reason == finding.message


def test_a_mismatch_says_what_fits(examine: Examine) -> None:
    report = examine("net = nn.Sequential(nn.Linear(4, 5), nn.Linear(6, 2))\nnet(torch.zeros(3, 4))\n")
    assert report.findings[0].message == (
        "`1` is given 3x5, 5 features where 6 are expected: in_features=5 fits; with the input 3x4 (call at net.py:5)"
    )


def test_another_error_on_the_files_own_input_is_told_as_it_is(examine: Examine) -> None:
    report = examine(
        """
        class Net(nn.Module):
            def forward(self, x):
                raise ValueError("the weather is bad")
        net = Net()
        net(torch.zeros(2, 3))
        """
    )
    (finding,) = report.findings
    assert finding.rule == "network-not-traced"
    assert "ValueError: the weather is bad" in finding.message
    assert report.networks[0].status == "built"


def test_failed_guesses_ask_for_the_input(examine: Examine) -> None:
    report = examine(
        """
        class Net(nn.Module):
            def forward(self, x):
                assert x.shape[1] == 1234567
                return x
        net = Net()
        """
    )
    (finding,) = report.findings
    assert (finding.rule, finding.level) == ("network-not-traced", "info")
    assert "--input 3x224x224" in finding.message
    assert finding.facts["tried"]


@pytest.mark.parametrize(
    ("statement", "said", "place"),
    [
        ("raise NotImplementedError('later')", "NotImplementedError: later", "raise NotImplementedError('later')"),
        ("return self.forward(x)", "RecursionError", ""),
        ("return missing_function(x)", "name 'missing_function' is not defined", "missing_function"),
        ("return self.layer2(x)", "'Net' object has no attribute 'layer2'", "self.layer2"),
        ("import sys; sys.exit(3)", "SystemExit: 3", "sys.exit(3)"),
        (
            "from no_such_module import f; return f(x)",
            "No module named 'no_such_module'",
            "from no_such_module import f",
        ),
    ],
)
def test_a_forward_that_no_input_helps_is_told_at_its_line(
    examine: Examine, statement: str, said: str, place: str
) -> None:
    report = examine(f"""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(3, 3)
            def forward(self, x):
                x = self.layer(x)
                {statement}
        """)
    (finding,) = report.findings
    assert (finding.rule, finding.level) == ("network-not-traced", "warning")
    assert said in finding.message
    assert "--input" not in finding.message
    assert text_at(finding).startswith(place)


def test_a_module_that_is_trained_by_its_parts_needs_no_forward(examine: Examine) -> None:
    report = examine("""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.encoder = nn.Linear(3, 3)
            def training_step(self, batch, index):
                return self.encoder(batch).sum()
        net = Net()
        """)
    (finding,) = report.findings
    assert (finding.rule, finding.level) == ("network-not-traced", "info")
    assert "Net has no forward" in finding.message


def test_an_agent_whose_methods_are_called_needs_no_forward(examine: Examine) -> None:
    report = examine("""
        class Agent(nn.Module):
            def __init__(self):
                super().__init__()
                self.actor, self.critic = nn.Linear(3, 2), nn.Linear(3, 1)
            def value(self, x):
                return self.critic(x)
            def act(self, x):
                return self.actor(x), self.critic(x)
        agent = Agent()
        """)
    (finding,) = report.findings
    assert (finding.rule, finding.level) == ("network-not-traced", "info")
    assert "its methods run its parts" in finding.message


def test_networks_that_one_import_stops_are_one_finding_at_the_import(examine: Examine) -> None:
    report = examine("""
        from no_such_package import Block
        first = nn.Sequential(Block(3), nn.ReLU())
        second = nn.Sequential(Block(3), nn.ReLU(), Block(4))
        third = nn.Linear(3, -4)
        """)
    imports, third = report.findings
    assert (imports.rule, imports.level, text_at(imports)) == (
        "import-failed",
        "warning",
        "from no_such_package import Block",
    )
    assert "install no_such_package where nnlint runs" in imports.message
    assert [related.site.line for related in imports.related] == [6, 7]
    assert (report.networks[0].reason or "").startswith("no_such_package.Block is needed but is not installed")
    assert (third.rule, len(report.networks)) == ("network-not-built", 3)


def test_an_endless_forward_costs_only_itself(examine: Examine) -> None:
    report = examine(
        """
        class Endless(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 3)
            def forward(self, x):
                while True:
                    x = x.relu()
                return x
        first = nn.Sequential(nn.Linear(4, 2))
        endless = Endless()
        last = nn.Sequential(nn.Linear(5, 2))
        """,
        time_limit=1.0,
    )
    assert [network.status for network in report.networks] == ["traced", "built", "traced"]
    (finding,) = report.findings
    assert "took too long" in finding.message


def test_values_decide_a_branch_in_a_real_run(examine: Examine) -> None:
    report = examine(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(6, 2)
            def forward(self, x):
                y = self.fc(x)
                return y if y.sum().item() > 1e9 else torch.tanh(y)
        net = Net()
        net(torch.zeros(5, 6))
        """
    )
    (network,) = report.networks
    assert (network.status, network.how, network.inputs) == ("traced", "real", ("5x6",))


def test_explicit_inputs_win(examine: Examine) -> None:
    source = "net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\nnet(torch.zeros(1, 3, 9, 9))\n"
    network = examine(source, inputs=("3x20x30",), batch_size=5).networks[0]
    assert network.inputs == ("5x3x20x30",)
    assert network.input_source == "--input"


def test_explicit_inputs_that_fail_are_a_mismatch(examine: Examine) -> None:
    report = examine("net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\n", inputs=("1x20x30",))
    assert [finding.rule for finding in report.findings] == ["shape-mismatch"]
    assert "(--input)" in report.findings[0].message


def test_an_input_that_cannot_be_read_is_an_error(examine: Examine) -> None:
    report = examine("net = nn.Sequential(nn.Linear(3, 4))\n", inputs=("3xbanana",))
    assert report.errors
    assert "banana" in report.errors[0]


def test_an_input_function(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "given.py").write_text("import torch\ndef make():\n    return torch.zeros(3, 2, 7), torch.ones(3, 2)\n")
    source = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(7, 5, batch_first=True)
        def forward(self, x, mask):
            return self.rnn(x)[0] * mask[..., None]
    net = Net()
    """
    network = examine(source, input_fn=f"{tmp_path / 'given.py'}:make").networks[0]
    assert network.inputs == ("3x2x7", "3x2")


def test_a_call_with_inputs_that_are_moved_and_filled(examine: Examine) -> None:
    report = examine(
        """
        device = "cuda" if torch.cuda.is_available() else "cpu"
        x = nn.Parameter(torch.zeros(7, 6, device=device).normal_(0, 1e-2))
        y = torch.randn(7, 6).to(device)
        class Net(nn.Module):
            def forward(self, x, *, y=None):
                return x + y
        net = Net().to(device)
        for _ in range(3):
            net(x, y=y).sum().backward()
        """
    )
    assert (report.networks[0].inputs, report.findings) == (("7x6", "y: 7x6"), ())
    assert report.networks[0].input_source == "call at net.py:13"


def test_the_comment_beside_a_network(examine: Examine) -> None:
    report = examine(
        """
        class Net(nn.Module):  # nnlint: input=3x50x60
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)
            def forward(self, x):
                return self.conv(x)
        """
    )
    assert report.networks[0].inputs == ("2x3x50x60",)
    assert report.networks[0].input_source == "comment at net.py:5"


def test_what_the_network_carries(examine: Examine) -> None:
    report = examine(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)
                self.example_input_array = torch.zeros(7, 3, 11, 13)
            def forward(self, x):
                return self.conv(x)
        net = Net()
        """
    )
    assert report.networks[0].inputs == ("7x3x11x13",)


def test_a_network_that_cannot_be_built(examine: Examine) -> None:
    report = examine("net = nn.MultiheadAttention(10, 3)\n")
    (finding,) = report.findings
    assert (finding.rule, finding.level) == ("network-not-built", "warning")
    assert report.networks[0].status == "failed"


def test_a_layer_that_torch_refuses_is_where_the_network_cannot_be_built(examine: Examine) -> None:
    source = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.norm = nn.GroupNorm(7, 32)
            def forward(self, x):
                return self.norm(x)
        net = Net()
        """
    (finding,) = examine(source).findings
    assert (finding.rule, finding.level) == ("network-not-built", "warning")
    assert text_at(finding) == "nn.GroupNorm(7, 32)"
    assert [related.label for related in finding.related] == ["Net"]


def test_what_the_file_itself_raises_is_told_where_the_network_is_built(examine: Examine) -> None:
    source = """
        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
                if width % 8:
                    raise ValueError("the width is not divisible by 8")
        net = Net(12)
        """
    (finding,) = examine(source).findings
    assert (finding.rule, text_at(finding)) == ("network-not-built", "Net(12)")


def test_the_loss_of_a_network_handed_on_to_a_trainer_beside_a_factory_of_its_parts(examine: Examine) -> None:
    source = """
        def block(width):
            return nn.Sequential(nn.Linear(8, width), nn.ReLU(inplace=True))
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.block = block(16)
                self.fc = nn.Linear(16, 1)
            def forward(self, x):
                return self.fc(self.block(x))
        class Trainer:
            def __init__(self, model):
                self.model = model
                self.criterion = nn.BCELoss()
                self.optimizer = torch.optim.Adam(self.model.parameters())
            def fit(self, loader):
                for x, y in loader:
                    self.optimizer.zero_grad()
                    self.criterion(self.model(x), y).backward()
                    self.optimizer.step()
        Trainer(Net()).fit(loader)
        """
    report = examine(source, rules=("bce-loss-without-sigmoid",))
    assert [text_at(finding) for finding in report.findings] == ["nn.BCELoss()"]


def test_rules_that_are_not_asked_for_stay_silent(examine: Examine) -> None:
    report = examine("net = nn.MultiheadAttention(10, 3)\n", rules=())
    assert not report.findings
    assert report.networks[0].status == "failed"


def test_no_network(examine: Examine) -> None:
    report = examine("def add(a, b):\n    return a + b\n")
    assert report.empty
    assert not report.networks


def test_the_report_tells_what_was_found(examine: Examine) -> None:
    network = examine("net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(3))\n", rows=True).networks[
        0
    ]
    assert network.status == "traced"
    assert network.macs > 0
    assert network.how == "meta"
    assert [row.name for row in network.rows][1:3] == ["conv2d", "flatten"]


def test_the_loss_of_the_script_stands_in_the_graph(examine: Examine) -> None:
    report = examine(
        """
        net = nn.Sequential(nn.Linear(4, 2))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(10):
            loss = F.cross_entropy(net(torch.zeros(8, 4)), torch.zeros(8, dtype=torch.long))
            loss.backward()
            optimizer.step()
        """,
        rows=True,
    )
    assert [row.name for row in report.networks[0].rows][-1] == "cross_entropy"


DATA = """
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10
from torchvision.transforms import ToTensor
loader = DataLoader(CIFAR10("data", transform=ToTensor()), batch_size=64, shuffle=True)
"""
CLASSIFIER = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d({channels}, 8, 3, padding=1)
        self.fc = nn.Linear(8 * {side} * {side}, 10)
    def forward(self, x):
        return self.fc(F.max_pool2d(self.conv(x), 2).flatten(1))
net = Net()
"""
LOOP = """
for x, y in loader:
    F.cross_entropy(net(x), y).backward()
"""


def test_the_samples_of_the_data_set(examine: Examine) -> None:
    network = examine(DATA + CLASSIFIER.format(channels=3, side=16) + LOOP).networks[0]
    assert network.inputs == ("2x3x32x32",)
    assert network.input_source == "data set at net.py:8"


def test_a_network_that_does_not_fit_its_data_set(examine: Examine) -> None:
    (finding,) = examine(DATA + CLASSIFIER.format(channels=3, side=14) + LOOP).findings
    assert (finding.rule, text_at(finding)) == ("shape-mismatch", "nn.Linear(8 * 14 * 14, 10)")
    assert finding.facts["fits"] == 8 * 16 * 16


def test_a_data_set_whose_samples_the_network_never_takes_is_no_fault(examine: Examine) -> None:
    """The file may change them on the way: here the first layer wants one channel."""
    report = examine(DATA + CLASSIFIER.format(channels=1, side=14) + LOOP)
    assert not report.findings
    assert report.networks[0].inputs == ("2x1x28x28",)


def test_the_data_set_of_one_network_is_no_fault_of_another(examine: Examine) -> None:
    other = "other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 62 * 62, 1))\n"
    report = examine(DATA + CLASSIFIER.format(channels=3, side=16) + other)
    assert not report.findings
    assert {network.inputs for network in report.networks} == {("2x3x32x32",), ("2x3x64x64",)}


def test_a_call_is_evaluated_where_it_can_be(examine: Examine) -> None:
    report = examine(
        """
        size = [4, 3, 20, 10]
        def sample(shape):
            return {"image": torch.rand(*shape), "flag": torch.ones(shape[0], dtype=torch.bool)}
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)
            def forward(self, batch):
                return self.conv(batch["image"]) * batch["flag"][:, None, None, None]
        net = Net()
        net(sample(size))
        """
    )
    assert report.networks[0].inputs == ("{image: 4x3x20x10, flag: bool 4}",)


def test_a_method_that_plays_the_part_of_forward(examine: Examine) -> None:
    report = examine(
        """
        class Encoder(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(24, 6)
            def encode(self, x):
                return self.fc(x)
        encoder = Encoder()
        """
    )
    assert report.networks[0].status == "traced"
    assert report.networks[0].inputs == ("2x24",)


def test_findings_inside_a_library_are_a_note_on_the_users_line(
    examine: Examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "someone"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from torch import nn\n\n\nclass Backbone(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(3, 4, 5), nn.Conv2d(4, 4, 7), nn.ReLU())\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    report = examine("from someone import Backbone\nnet = Backbone()\nnet.eval()\n", rules=("conv-kernel-not-3x3",))
    assert report.networks[0].status == "traced", report
    (finding,) = report.findings
    assert finding.level == "info"
    assert text_at(finding) == "Backbone()"
    assert finding.message.startswith("inside a library: ")
    assert finding.message.endswith("(and 1 more like it)")
    assert finding.paths == ("0", "1")


def test_a_network_that_only_runs_in_training_mode(examine: Examine) -> None:
    report = examine(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(5, 2)
            def forward(self, x):
                if not self.training:
                    raise RuntimeError("export it first")
                return self.fc(x)
        net = Net()
        """
    )
    assert not report.findings
    assert report.networks[0].status == "traced"


def test_what_was_assumed_to_build_a_network_is_reported(examine: Examine) -> None:
    source = """
        class Net(nn.Module):
            def __init__(self, num_classes):
                super().__init__()
                self.fc = nn.Linear(8, num_classes)

            def forward(self, x):
                return self.fc(x)
    """
    assert examine(source).networks[0].guesses == ("num_classes=10",)
    assert examine(source + "    net = Net(3)\n").networks[0].guesses == ()


def test_a_condition_on_values_of_a_network_too_large_to_run_is_assumed_and_said(examine: Examine) -> None:
    report = examine("""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.tokens = nn.Embedding(40000, 20000)

            def forward(self, ids):
                if 0 in ids:
                    raise ValueError("padding")
                return self.tokens(ids)

        net = Net()
        net(torch.randint(1, 40000, (2, 7)))
    """)
    (network,) = report.networks
    assert (network.status, network.how) == ("traced", "meta")
    assert network.guesses == ("the condition at net.py:11 is False",)
